"""Backups of a server that nobody stops: by clones where there are any, under its lock elsewhere."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from chromadrill.backups import clones, manifest
from chromadrill.backups.hot_copy import live
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.targets.disk.placed import placed_on
from chromadrill.targets.disk.snapshot_disk import clone_disk
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import fill


@pytest.fixture
def fake_clones(monkeypatch):
    """Files are cloned here as on xfs: copied, and noted."""
    cloned = []

    def clone_file(source, to):
        cloned.append(source.name)
        shutil.copyfile(source, to)

    monkeypatch.setattr(clones, "clone_file", clone_file)
    return cloned


def records_of(target, name="docs"):
    with Chroma(target.url) as chroma:
        return chroma.count(chroma.collection(Scope(), name))


@pytest.mark.slow
def test_snapshot_of_a_running_server_is_taken_by_a_command_and_comes_back(server):
    command = [sys.executable, "-m", "chromadrill", "ops", "--target", "process"]
    before = server.pid()
    ran = subprocess.run(
        [*command, "snapshot", "--name", "alive", "--method", "live-copy"],
        env={**os.environ, **server.environment()}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert server.pid() == before  # nobody stopped it
    content = manifest.read(server.home / "snapshots" / "alive")
    assert (content["method"], content["source"]["way"]) == ("live-copy", live.LOCK)
    with Chroma(server.url) as chroma:
        chroma.delete(chroma.collection(Scope(), "docs"), ["r1", "r2"])
    server.stop()
    server.restore("alive")
    server.start()

    assert records_of(server) == 30


@pytest.mark.slow
def test_clones_are_made_under_the_lock_and_nothing_is_left_of_them(server, tmp_path, fake_clones):
    way = live.copy_live(server.data, tmp_path / "copy").way

    assert way == live.REFLINK
    assert "chroma.sqlite3" in fake_clones
    assert manifest.files_of(tmp_path / "copy") == manifest.files_of(server.data)
    assert not list(server.home.glob(".chromadrill-*"))


@pytest.mark.slow
def test_index_that_is_written_while_it_is_cloned_is_cloned_again(
    server, tmp_path, fake_clones, monkeypatch
):
    segment = server.data / "0b0e5a2c"
    segment.mkdir()
    live.wait_for_rest(server.data)  # what the fixture wrote
    monkeypatch.setattr(live, "wait_for_rest", lambda _: None)
    honest, rounds = live.clone_tree, []

    def disturbed(source, to):
        honest(source, to)
        rounds.append(to)
        if len(rounds) == 1:
            (segment / "header.bin").write_bytes(b"half")
            os.utime(segment / "header.bin", (1, 1))  # at rest again at the next look

    monkeypatch.setattr(live, "clone_tree", disturbed)
    try:
        live.copy_live(server.data, tmp_path / "copy")
        assert len(rounds) == 2
        assert (tmp_path / "copy" / segment.name / "header.bin").is_file()
    finally:
        shutil.rmtree(segment)


def test_clones_of_a_killed_process_are_swept(server, tmp_path, fake_clones, monkeypatch):
    monkeypatch.setattr(live.process_tags, "is_dead", lambda name: name.endswith("left"))
    (server.home / f"{live.PREFIX}left").mkdir()
    live.copy_live(server.data, tmp_path / "copy")

    assert not (server.home / f"{live.PREFIX}left").exists()


def test_file_system_without_clones_is_told_apart_from_a_broken_one(tmp_path, monkeypatch):
    def fail(number):
        def clone_file(source, to):
            raise OSError(number, os.strerror(number))

        return clone_file

    monkeypatch.setattr(clones, "clone_file", fail(errno.EOPNOTSUPP))
    assert not clones.can_clone(tmp_path)
    monkeypatch.setattr(clones, "clone_file", fail(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        clones.can_clone(tmp_path)


@pytest.mark.slow
def test_server_on_xfs_is_backed_up_by_clones_while_a_client_writes(tmp_path):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    try:
        target.start()
        with Chroma(target.url) as chroma:
            fill(chroma)
        with clone_disk() as disk, placed_on(target, disk.data):
            backup = target.snapshot("cloned", method="live-copy")
            source = manifest.read(target.home / "snapshots" / backup.id)["source"]
            assert source["way"] == live.REFLINK
            with Chroma(target.url) as chroma:
                chroma.upsert(
                    chroma.collection(Scope(), "docs"), ids=["late"], vectors=np.ones((1, 8))
                )
            target.stop()
            target.restore("cloned")
            target.start()
            assert records_of(target) == 30
    except Unavailable as error:
        if "disk" in str(error) or "mkfs" in str(error):
            pytest.skip(str(error))
        raise
    finally:
        target.remove()
