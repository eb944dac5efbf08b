"""Copies of a server's disk count only if index files were at rest once nothing could change."""

import contextlib
import shutil
import time

import pytest

from chromadrill.backups.hot_copy import disk_methods
from chromadrill.backups.hot_copy.disk_methods import DISK_COPY_METHODS
from chromadrill.core.errors import Unavailable


class Disk:
    """A folder that is snapshot by copying; an index is begun in the first `flushes` freezes."""

    def __init__(self, folder, flushes=0):
        self.data, self.flushes = folder / "data", flushes
        (self.data / "5f0a3a0e").mkdir(parents=True)
        self.calls = []

    def _begin_flush(self):
        """Half of an index is written; it is finished a moment later."""
        path = self.data / "5f0a3a0e" / "header.bin"
        path.unlink(missing_ok=True)
        if self.calls.count("flush") < self.flushes:
            self.calls.append("flush")
            path.write_bytes(b"half")

    def snapshot(self):
        if "frozen" not in self.calls:
            self._begin_flush()
        self.calls.append("snapshot")
        copy = self.data.parent / f"snapshot-{len(self.calls)}"
        return shutil.copytree(self.data, copy)

    def read(self, snapshot, into):
        shutil.copytree(snapshot, into)
        shutil.rmtree(snapshot)

    @contextlib.contextmanager
    def frozen(self):
        self._begin_flush()
        self.calls.append("frozen")
        yield


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits for index files here, and no disk is synced."""
    monkeypatch.setattr(disk_methods, "wait_for_rest", lambda _: None)
    monkeypatch.setattr(disk_methods, "sync_volume", lambda _: None)


def test_freeze_within_an_index_flush_is_thawed_and_tried_again(tmp_path):
    disk = Disk(tmp_path, flushes=1)
    held_s = DISK_COPY_METHODS["freeze-copy"].copy(disk, tmp_path / "copy")

    assert disk.calls == ["flush", "frozen", "frozen", "snapshot"]
    assert not (tmp_path / "copy" / "5f0a3a0e" / "header.bin").exists()
    assert 0 <= held_s < 10


def test_snapshot_of_a_subvolume_within_an_index_flush_is_taken_again(tmp_path):
    disk = Disk(tmp_path, flushes=1)
    DISK_COPY_METHODS["btrfs-snapshot"].copy(disk, tmp_path / "copy")

    assert disk.calls == ["flush", "snapshot", "snapshot"]
    assert not (tmp_path / "copy" / "5f0a3a0e" / "header.bin").exists()


@pytest.mark.parametrize("method", ["freeze-copy", "btrfs-snapshot"])
def test_server_that_flushes_without_a_pause_is_refused_in_a_sentence(
    tmp_path, monkeypatch, method
):
    monkeypatch.setattr(disk_methods, "TRIES", 2)
    started = time.time()
    with pytest.raises(Unavailable, match="Index files were written in each of 2"):
        DISK_COPY_METHODS[method].copy(Disk(tmp_path, flushes=9), tmp_path / "copy")
    assert time.time() - started < 50
    assert not (tmp_path / "copy").exists()


def test_block_copy_and_the_copy_beside_a_flusher_wait_for_nothing(tmp_path):
    disk = Disk(tmp_path, flushes=1)
    DISK_COPY_METHODS["block-copy"].copy(disk, tmp_path / "copy")

    assert disk.calls == ["flush", "snapshot"]
    assert DISK_COPY_METHODS["flush-copy"].is_flushed
