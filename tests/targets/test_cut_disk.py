"""The disk whose power can be cut: what was not synced is not in its image, and nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.targets.disk import mounts
from chromadrill.targets.disk.cut_disk import cut_disk, recover_data

SYNC = ("sync", "--file-system")  # other tests cut other disks meanwhile


@pytest.fixture
def able():
    """Root with loop devices; elsewhere power cuts are not covered."""
    try:
        mounts.require_mounts()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("able")
def test_cut_keeps_what_was_synced_and_loses_what_was_not():
    with cut_disk() as disk:
        data = disk.folder / "data"
        data.mkdir()
        (data / "synced").write_text("x" * 3_000_000)
        mounts.run_tool(*SYNC, str(disk.folder))
        (data / "in memory").write_text("y")
        acknowledged = []
        image = disk.cut(disk.scratch / "1.img", at_cut=lambda: acknowledged.append(1))
        recovered = recover_data(image, "data", disk.scratch / "recovered")

        assert acknowledged == [1]
        assert [path.name for path in recovered.iterdir()] == ["synced"]
        assert (recovered / "synced").stat().st_size == 3_000_000
        assert (data / "in memory").read_text() == "y"  # whoever is on the disk knows nothing
        (data / "afterwards").write_text("z")
        mounts.run_tool(*SYNC, str(disk.folder))
    assert not disk.scratch.exists()
    assert f"{mounts.PREFIX}{os.getpid()}-" not in " ".join(mounts.mount_points())


@pytest.mark.usefixtures("able")
def test_cut_of_a_frozen_disk_has_what_was_only_in_memory():
    with cut_disk() as disk:
        (disk.folder / "data").mkdir()
        (disk.folder / "data" / "in memory").write_text("y")
        with disk.frozen():
            image = disk.cut(disk.scratch / "1.img")
        (disk.folder / "data" / "afterwards").write_text("z")  # it takes writes again
        recovered = recover_data(image, "data", disk.scratch / "recovered")
        assert [path.name for path in recovered.iterdir()] == ["in memory"]


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_disk_has_the_file_system_that_is_asked_for(kind):
    try:
        mounts.require_mounts(kind)
    except Unavailable as error:
        pytest.skip(str(error))
    with cut_disk(kind=kind) as disk:
        (disk.folder / "data").mkdir()
        (disk.folder / "data" / "synced").write_text("x")
        mounts.run_tool(*SYNC, str(disk.folder))
        (disk.folder / "data" / "in memory").write_text("y")
        image = disk.cut(disk.scratch / "1.img")
        # while the disk that it is of is mounted: both have the same id
        recovered = recover_data(image, "data", disk.scratch / "recovered", kind)
        assert [path.name for path in recovered.iterdir()] == ["synced"]
        lines = Path("/proc/self/mounts").read_text().splitlines()
        assert [line.split()[2] for line in lines if str(disk.folder) in line] == [kind]


@pytest.mark.usefixtures("able")
def test_nothing_is_left_of_the_disk_of_a_killed_process_not_even_where_it_was_frozen():
    code = (
        "import sys\n"
        "from chromadrill.targets.disk.cut_disk import cut_disk\n"
        "with cut_disk() as disk:\n"
        "    def wait():\n"
        "        print(disk.scratch, flush=True); sys.stdin.read()\n"
        "    disk.cut(disk.scratch / 'x', at_cut=wait)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    scratch = run.stdout.readline().strip()
    assert sum(scratch in point for point in mounts.mount_points()) == 2
    run.kill()
    run.wait()
    # nobody sweeps: what unmounts it was started with the first mount
    wait_until(lambda: not Path(scratch).exists(), within_s=30, name="the guard's sweep")
    assert not any(scratch in point for point in mounts.mount_points())


def test_kernel_without_a_file_system_says_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(mounts.shutil, "which", lambda tool: tool)
    with pytest.raises(Unavailable, match="the kernel has no reiser9"):
        mounts.require_mounts("reiser9")


@pytest.mark.parametrize("user", [1000])
def test_machine_that_cannot_make_one_says_why(monkeypatch, user):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(Unavailable, match="only root may"), cut_disk():
        pass
