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
from chromadrill.targets.container.volume import Volume
from chromadrill.targets.home import MARKER
from chromadrill.targets.registry import make_scratch
from fixtures.target import new_scratch

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path, settings):
    """A container target of its own, removed after the test."""
    target = new_scratch(tmp_path, settings, [Scope()], kind="container")
    yield target
    target.remove()


def stored(target):
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "docs")
        chroma.upsert(info, ids=["a", "b"], vectors=np.eye(2, dtype=np.float32))


def count(target):
    with Chroma(target.url) as chroma:
        return chroma.count(chroma.collection(Scope(), "docs"))


def test_data_outlives_the_container(home):
    home.start()
    stored(home)
    home.recreate()

    assert count(home) == 2
    assert home.metrics().restarts == 1


def test_another_process_finds_the_container_by_its_home(home):
    home.start()
    words = [sys.executable, "-m", "chromadrill", "ops", "--target", "container"]
    environment = {**os.environ, **home.environment()}
    subprocess.run([*words, "stop"], env=environment, check=True)

    assert not home.running()


def test_volume_is_written_back_and_stays_as_it_was_where_the_caller_fails(home):
    with home.volume() as data:
        (data / "folder").mkdir()
        (data / "folder" / "file").write_text("x")
        (data / ".hidden").write_text("y")

    def half_done():
        with home.volume() as data:
            (data / ".hidden").unlink()
            raise InterruptedError

    with pytest.raises(InterruptedError):
        half_done()
    with home.volume() as data:
        found = sorted(each.relative_to(data).as_posix() for each in data.rglob("*"))

    assert found == [".hidden", "folder", "folder/file"]


def test_helper_leaves_no_volume_of_the_images_own(home, settings):
    client = engine.connect()
    image, tag = settings.container.image, "chromadrill-test-volume:1"
    client.images.build(
        fileobj=io.BytesIO(f"FROM {image}\nVOLUME /extra\n".encode()), tag=tag, rm=True
    )
    try:
        volume = Volume(client, home.container_name, tag, {})
        volume.create()
        with volume.holder() as holder:
            holder.reload()
            own = [m["Name"] for m in holder.attrs["Mounts"] if m["Name"] != home.container_name]
        assert own
        left = {each.name for each in client.volumes.list()}
        assert not left & set(own)
    finally:
        client.images.remove(tag)


def test_container_that_dies_at_once_shows_its_log_within_seconds(home):
    with home.volume() as data:
        (data / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"ended at once \(exit code 1\)(.|\n)*not a database"):
        home.start()

    assert time.monotonic() - started < 30


def test_log_of_a_container_that_is_gone_is_kept(home):
    home.start()
    before = home.logs(1000)
    home.recreate()

    assert before
    assert home.logs(2000).startswith(before)


def test_paused_server_can_be_stopped(home):
    home.start()
    home.pause()
    assert home.running()
    home.stop()

    assert not home.running()


def test_taken_port_is_a_sentence_and_leaves_no_container(home, tmp_path, settings):
    home.start()
    other = new_scratch(tmp_path, settings, [Scope()], kind="container")
    try:
        (other.home / MARKER).write_text(
            (home.home / MARKER).read_text().replace('"id": "', '"id": "0')
        )
        other = ContainerTarget(other.home, other.spec, owner=os.getpid())
        with pytest.raises(Refused, match="already"):
            other.start()
        assert not other.running()
    finally:
        other.remove()


def test_image_that_is_not_there_is_a_sentence(home, tmp_path):
    target = ContainerTarget(
        tmp_path / "other", ContainerSpec("127.0.0.1:9/none:1"), owner=os.getpid()
    )
    try:
        with pytest.raises(DrillError, match="none"):
            target.start()
    finally:
        target.remove()


def test_what_a_killed_run_left_is_swept_and_what_has_no_owner_stays(tmp_path, settings, home):
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
        home.start()
        run.kill()
        run.wait()
        swept = engine.sweep(engine.connect())

        assert swept.count(called) == 2  # the container and its volume
        assert stays.container_name not in swept
        assert stays.running()
        assert home.running()
    finally:
        stays.remove()
