"""Disks of which a snapshot is taken while a server runs on them, as a platform or LVM does.

The block disk is ext4 in a file. That file lies on xfs, which clones it at once whatever its size: a
snapshot of one instant, as LVM, ZFS or a cloud's disk gives it. Where xfs cannot be made, the file is
copied while the file system around it is frozen: of one instant too, but a frozen server then waits
for the copying, the longer the more there is.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups.clones import clone_file
from chromadrill.core import process_tags
from chromadrill.core.errors import Unavailable
from chromadrill.targets.disk.cut_disk import MB, cut_disk, recover_data
from chromadrill.targets.disk.mounts import PREFIX, mounted, require_mounts, run_tool, sweep

MEGABYTES = 1024
INNER = "disk.img"
DATA = "data"
FREEZE, THAW = 0xC0045877, 0xC0045878


@dataclass(frozen=True, slots=True)
class SnapshotDisk:
    """`data`: the server's directory on it. `is_instant`: a snapshot takes no longer for more data."""

    data: Path
    is_instant: bool
    _snapshot: Callable[[], Path]
    _read: Callable[[Path, Path], None]

    def snapshot(self) -> Path:
        """What is on the disk at this instant. The server goes on, and knows nothing."""
        return self._snapshot()

    def read(self, snapshot: Path, into: Path) -> None:
        """Copy the server's directory out of the snapshot, recovered, and remove the snapshot."""
        self._read(snapshot, into)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server's file system is synced and takes no write meanwhile, as `fsfreeze` does it.

        No program is started for it: on a busy machine that takes longer than the snapshot.
        """
        handle = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, FREEZE, 0)
            try:
                yield
            finally:
                fcntl.ioctl(handle, THAW, 0)
        finally:
            os.close(handle)


@contextmanager
def block_disk(megabytes: int = MEGABYTES) -> Iterator[SnapshotDisk]:
    """An empty disk of which block snapshots are taken. Raises Unavailable where there can be none."""
    require_mounts()
    try:
        require_mounts("xfs")
    except Unavailable:
        with _copied_disk(megabytes) as disk:
            yield disk
        return
    with file_system("xfs", megabytes) as around:
        image = around / INNER
        _make_file(image, megabytes // 2)
        run_tool("mkfs.ext4", "-q", str(image))
        with mounted(image, around.with_name("disk")) as folder:
            yield _block_disk(folder, _numbered(around), lambda to: clone_file(image, to), True)


@contextmanager
def _copied_disk(megabytes: int) -> Iterator[SnapshotDisk]:
    with cut_disk(megabytes // 2) as disk:
        yield _block_disk(disk.folder, _numbered(disk.scratch), disk.cut, False)


def _block_disk(
    folder: Path, names: Iterator[Path], copy: Callable[[Path], object], is_instant: bool
) -> SnapshotDisk:
    def snapshot() -> Path:
        image = next(names)
        copy(image)
        return image

    def read(image: Path, into: Path) -> None:
        recover_data(image, DATA, into)
        image.unlink()

    (folder / DATA).mkdir()
    return SnapshotDisk(folder / DATA, is_instant, snapshot, read)


@contextmanager
def subvolume_disk(megabytes: int = MEGABYTES) -> Iterator[SnapshotDisk]:
    """An empty btrfs, whose own snapshots of a subvolume are taken. Raises Unavailable."""
    require_tools("btrfs")
    with file_system("btrfs", megabytes) as folder:
        data, names = folder / DATA, _numbered(folder)
        run_tool("btrfs", "subvolume", "create", str(data))

        def snapshot() -> Path:
            copy = next(names)
            run_tool("btrfs", "subvolume", "snapshot", "-r", str(data), str(copy))
            return copy

        def read(copy: Path, into: Path) -> None:
            shutil.copytree(copy, into)
            run_tool("btrfs", "subvolume", "delete", str(copy))

        yield SnapshotDisk(data, True, snapshot, read)


@contextmanager
def clone_disk(megabytes: int = MEGABYTES) -> Iterator[SnapshotDisk]:
    """An empty xfs, whose files can be cloned; the disk itself has no snapshots. Raises Unavailable."""

    def snapshot() -> Path:
        raise Unavailable("This disk has no snapshots: its files are cloned.")

    with file_system("xfs", megabytes) as folder:
        (folder / DATA).mkdir()
        yield SnapshotDisk(folder / DATA, True, snapshot, lambda _, __: None)


@contextmanager
def file_system(kind: str, megabytes: int) -> Iterator[Path]:
    """The mount point of a new `kind` (xfs, btrfs); removed afterwards. Raises Unavailable."""
    sweep()
    require_mounts(kind)
    scratch = process_tags.new_folder(PREFIX)
    try:
        _make_file(scratch / "outer.img", megabytes)
        run_tool(f"mkfs.{kind}", "-q", str(scratch / "outer.img"))
        with mounted(scratch / "outer.img", scratch / "outer") as folder:
            yield folder
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def require_tools(*tools: str) -> None:
    """Raise Unavailable, in words, where one of the tools is not installed."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise Unavailable(
            f"No {' and no '.join(missing)} here.",
            next_step="Install them: Debian's packages are xfsprogs and btrfs-progs.",
        )


def _numbered(folder: Path) -> Iterator[Path]:
    return (folder / f"snapshot-{number}" for number in itertools.count())


def _make_file(file: Path, megabytes: int) -> None:
    with file.open("wb") as empty:
        empty.truncate(megabytes * MB)
