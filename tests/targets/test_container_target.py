"""Target `container`: nothing left behind, nothing foreign touched, a dead one tells why."""

import io
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.model import Scope
from chromadrill.core.settings import load
from chromadrill.targets.container import engine
from chromadrill.targets.container.spec import ContainerSpec
from chromadrill.targets.container.target import ContainerTarget
from chromadrill.targets.container.volume import ContainerVolume
from chromadrill.targets.home import MARKER
from chromadrill.targets.registry import make_scratch
from fixtures.scratch import new_scratch

pytestmark = pytest.mark.slow


@pytest.fixture
def target(tmp_path, settings):
    """A container target of its own, removed after the test."""
    target = new_scratch(tmp_path, settings, [Scope()], kind="container")
    yield target
    target.remove()


def store(target):
    """Two records in a new collection."""
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "docs")
        chroma.upsert(info, ids=["a", "b"], vectors=np.eye(2, dtype=np.float32))


def count(target):
    with Chroma(target.url) as chroma:
        return chroma.count(chroma.collection(Scope(), "docs"))


def test_data_outlives_the_container(target):
    target.start()
    store(target)
    target.recreate()

    assert count(target) == 2
    assert target.metrics().restarts == 1


def test_another_process_finds_the_container_by_its_home(target):
    target.start()
    command = [sys.executable, "-m", "chromadrill", "ops", "--target", "container", "stop"]
    subprocess.run(command, env={**os.environ, **target.environment()}, check=True)

    assert not target.running()


def test_volume_is_written_back_and_stays_as_it_was_where_the_caller_fails(target):
    with target.volume() as data:
        (data / "folder").mkdir()
        (data / "folder" / "file").write_text("x")
        (data / ".hidden").write_text("y")

    def half_done():
        with target.volume() as data:
            (data / ".hidden").unlink()
            raise InterruptedError

    with pytest.raises(InterruptedError):
        half_done()
    with target.volume() as data:
        names = sorted(path.relative_to(data).as_posix() for path in data.rglob("*"))

    assert names == [".hidden", "folder", "folder/file"]


def test_helper_leaves_no_volume_of_the_images_own(target, settings):
    client = engine.connect()
    image, tag = settings.container.image, "chromadrill-test-volume:1"
    client.images.build(
        fileobj=io.BytesIO(f"FROM {image}\nVOLUME /extra\n".encode()), tag=tag, rm=True
    )
    try:
        volume = ContainerVolume(client, target.container_name, tag, {})
        volume.create()
        with volume.holder() as holder:
            holder.reload()
            mounted = {mount["Name"] for mount in holder.attrs["Mounts"]}
        extra = mounted - {target.container_name}
        assert extra
        assert not extra & {volume.name for volume in client.volumes.list()}
    finally:
        client.images.remove(tag)


def test_container_that_dies_at_once_shows_its_log_within_seconds(target):
    with target.volume() as data:
        (data / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"ended at once \(exit code 1\)(.|\n)*not a database"):
        target.start()

    assert time.monotonic() - started < 30


def test_log_of_a_container_that_is_gone_is_kept(target):
    target.start()
    before = target.logs(1000)
    target.recreate()

    assert before
    assert target.logs(2000).startswith(before)


def test_paused_server_can_be_stopped(target):
    target.start()
    target.pause()
    assert target.running()
    target.stop()

    assert not target.running()


def test_taken_port_is_a_sentence_and_leaves_no_container(target, tmp_path, settings):
    target.start()
    other = new_scratch(tmp_path, settings, [Scope()], kind="container")
    try:
        (other.home / MARKER).write_text(
            (target.home / MARKER).read_text().replace('"id": "', '"id": "0')
        )
        other = ContainerTarget(other.home, other.spec, owner=os.getpid())
        with pytest.raises(Refused, match="already"):
            other.start()
        assert not other.running()
    finally:
        other.remove()


def test_second_start_at_once_leaves_the_running_container_of_the_first(target):
    target.start()
    second = ContainerTarget(target.home, target.spec, owner=os.getpid())
    with pytest.raises(Refused, match="already in use"):
        second._start_new(second.spec)  # it saw no container a moment ago

    assert target.running()
    assert target.metrics().restarts == 0


@pytest.mark.usefixtures("target")  # there is an engine
def test_image_that_is_not_there_is_a_sentence(tmp_path):
    target = ContainerTarget(
        tmp_path / "other", ContainerSpec("127.0.0.1:9/none:1"), owner=os.getpid()
    )
    try:
        with pytest.raises(DrillError, match="none"):
            target.start()
    finally:
        target.remove()


def test_what_a_killed_run_left_is_swept_and_what_has_no_owner_stays(tmp_path, settings, target):
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from chromadrill.core.settings import load\n"
        "from chromadrill.targets.registry import make_scratch\n"
        "target = make_scratch('container', Path(sys.argv[1]), load(), owner=os.getpid())\n"
        "target.start(); print(target.container_name, flush=True); sys.stdin.read()\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "killed")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    called = run.stdout.readline().strip()
    stays = make_scratch("container", tmp_path / "stays", load())
    try:
        stays.start()
        target.start()
        run.kill()
        run.wait()
        swept = engine.sweep(engine.connect())

        assert swept.count(called) == 2  # the container and its volume
        assert stays.container_name not in swept
        assert stays.running()
        assert target.running()
    finally:
        stays.remove()
