"""Methods to copy the disk of a server that clients write to: snapshots of it, and clones of files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chromadrill.backups.flusher.index_rest import is_at_rest, wait_for_rest
from chromadrill.backups.flusher.kernel import sync_volume
from chromadrill.backups.hot_copy.live import copy_live
from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable

TRIES = 50  # a server that flushes its index without a pause is not waited for for ever


class SnapshotVolume(Protocol):
    """A server's disk, as its owner can handle it. `data`: the server's directory on it."""

    @property
    def data(self) -> Path: ...

    def snapshot(self) -> Path:
        """What is on the disk at this instant."""
        ...

    def read(self, snapshot: Path, into: Path) -> None:
        """Copy the server's directory out of the snapshot, and remove the snapshot."""
        ...

    def frozen(self) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class DiskCopyMethod:
    """A method to copy a running server by its disk.

    `copy(disk, into)` makes the data directory `into`, and returns for how many seconds no write was
    taken for it, where that is known. It raises DrillError where it refuses.
    `disk`: block, xfs or btrfs. `is_flushed`: a flusher runs beside the server. `backup_method`: the
    backup method that copies so; "": none does.
    """

    name: str
    what: str
    disk: str
    copy: Callable[[SnapshotVolume, Path], float | None]
    is_flushed: bool = False
    backup_method: str = ""

    def __str__(self) -> str:
        return self.name


def _copy_block(disk: SnapshotVolume, into: Path) -> float:
    disk.read(disk.snapshot(), into)
    return 0.0


def _copy_frozen(disk: SnapshotVolume, into: Path) -> float:
    """A freeze stops a server within an index flush as well as anywhere: so it is looked for, frozen."""
    longest_s = 0.0
    for _ in range(TRIES):
        wait_for_rest(disk.data)
        sync_volume(disk.data)  # else clients wait, frozen, for what is dirty
        began, started = time.time(), now()
        with disk.frozen():
            snapshot = disk.snapshot() if is_at_rest(disk.data, began) else None
        longest_s = max(longest_s, now() - started)
        if snapshot:
            disk.read(snapshot, into)
            return longest_s
    raise Unavailable(f"Index files were written in each of {TRIES} tries to freeze them at rest.")


def _copy_subvolume(disk: SnapshotVolume, into: Path) -> None:
    for _ in range(TRIES):
        wait_for_rest(disk.data)
        sync_volume(disk.data)
        began = time.time()
        snapshot = disk.snapshot()
        is_whole = is_at_rest(snapshot, began)
        disk.read(snapshot, into)
        if is_whole:
            return
        shutil.rmtree(into)
    raise Unavailable(f"Index files were written in each of {TRIES} snapshots.")


def _copy_clones(disk: SnapshotVolume, into: Path) -> float:
    return copy_live(disk.data, into).locked_s


DISK_COPY_METHODS = {
    method.name: method
    for method in (
        DiskCopyMethod("block-copy", "snapshot of the disk, at any moment", "block", _copy_block),
        DiskCopyMethod(
            "flush-copy", "the same with `chromadrill flush` beside the server", "block",
            _copy_block, is_flushed=True,
        ),
        DiskCopyMethod(
            "freeze-copy", "index files at rest, fsfreeze, snapshot of the disk", "block",
            _copy_frozen,
        ),
        DiskCopyMethod(
            "btrfs-snapshot", "index files at rest, snapshot of the subvolume", "btrfs",
            _copy_subvolume,
        ),
        DiskCopyMethod(
            "reflink-copy", "SQLite's lock, index files at rest, clones of the files (live-copy)",
            "xfs", _copy_clones, backup_method="live-copy",
        ),
    )
}  # fmt: skip
