"""Disks of which snapshots are taken: what each snapshot has, and that nothing is left."""

import os
import shutil

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.targets.disk import mounts
from chromadrill.targets.disk.snapshot_disk import block_disk, subvolume_disk

SYNC = ("sync", "--file-system")  # other tests cut other disks meanwhile


@pytest.fixture(autouse=True)
def able():
    """Root with loop devices; elsewhere no disk of ours is covered."""
    try:
        mounts.require_mounts()
    except Unavailable as error:
        pytest.skip(str(error))


def files_of(disk, snapshot, into):
    disk.read(snapshot, into)
    return sorted(path.name for path in into.iterdir())


def require_nothing_left():
    assert f"{mounts.PREFIX}{os.getpid()}-" not in " ".join(mounts.mount_points())


@pytest.mark.parametrize("has_xfs", [True, False], ids=["cloned", "copied"])
def test_block_snapshot_lacks_what_is_in_memory_and_a_frozen_one_has_it(
    tmp_path, monkeypatch, has_xfs
):
    if not has_xfs:
        which = shutil.which
        monkeypatch.setattr(shutil, "which", lambda tool: None if "xfs" in tool else which(tool))
    elif not shutil.which("mkfs.xfs"):
        pytest.skip("no mkfs.xfs here")
    with block_disk() as disk:
        assert disk.is_instant is has_xfs
        (disk.data / "synced").write_text("x" * 3_000_000)
        mounts.run_tool(*SYNC, str(disk.data))
        (disk.data / "in memory").write_text("y")
        torn = disk.snapshot()
        with disk.frozen():
            whole = disk.snapshot()
        assert files_of(disk, torn, tmp_path / "torn") == ["synced"]
        assert files_of(disk, whole, tmp_path / "whole") == ["in memory", "synced"]
        (disk.data / "afterwards").write_text("z")  # it takes writes again
    require_nothing_left()


def test_snapshot_of_a_subvolume_has_what_is_in_memory(tmp_path):
    if not shutil.which("mkfs.btrfs"):
        pytest.skip("no mkfs.btrfs here")
    with subvolume_disk() as disk:
        (disk.data / "in memory").write_text("y")
        snapshot = disk.snapshot()
        (disk.data / "afterwards").write_text("z")
        assert files_of(disk, snapshot, tmp_path / "copy") == ["in memory"]
        assert not snapshot.exists()
    require_nothing_left()


def test_missing_tool_is_a_sentence_with_what_to_install(monkeypatch):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == "btrfs" else which(tool))
    with pytest.raises(Unavailable, match="No btrfs here") as error, subvolume_disk():
        pass
    assert "btrfs-progs" in error.value.next_step
