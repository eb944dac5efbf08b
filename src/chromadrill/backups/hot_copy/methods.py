"""Methods to copy a server that clients write to. The suite measures which of them give backups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chromadrill.backups import files
from chromadrill.backups.export import exporter
from chromadrill.backups.export.backup_method import DEADLINE_S, TRIES
from chromadrill.backups.hot_copy.live import copy_live
from chromadrill.backups.hot_copy.write_lock import write_lock
from chromadrill.chroma.connection import connect
from chromadrill.core.model import Scope
from chromadrill.core.protocols import HasSnapshots, HotCopyable, Pausable, Stoppable, scopes_of

# A copy this slow takes as long of our few megabytes as a disk's does of gigabytes: torn copies are
# a matter of time (measured: of 14 MB at once 2 of 10 were, at this pace 10 of 10).
BYTES_PER_S = 8e6


class HotCopyTarget(Stoppable, Pausable, HotCopyable, HasSnapshots, Protocol):
    """What a target must be able to do for all of the methods."""


@dataclass(frozen=True, slots=True)
class HotCopyMethod:
    """A method to copy a running server.

    `copy(target, into)` makes the copy and returns its path: a data directory, or an export. It
    raises DrillError where it refuses to copy. `needs`: capabilities of the target. `in_place`: the
    method reaches into the running server's own directory.
    """

    name: str
    what: str
    copy: Callable[[HotCopyTarget, Path], Path]
    needs: tuple[str, ...] = ("hotcopy",)
    in_place: bool = False

    def __str__(self) -> str:
        return self.name


def _copy_stopped(target: HotCopyTarget, into: Path) -> Path:
    target.stop()
    try:
        with target.volume() as data:
            files.copy_running(data, into, bytes_per_s=BYTES_PER_S)
    finally:
        target.start()
    return into


def _copy_paused(target: HotCopyTarget, into: Path) -> Path:
    target.pause()
    try:
        target.copy_running(into, bytes_per_s=BYTES_PER_S)
    finally:
        target.unpause()
    return into


def _copy_locked(target: HotCopyTarget, into: Path) -> Path:
    with write_lock(target.live_data()):
        target.copy_running(into, bytes_per_s=BYTES_PER_S)
    return into


def _copy_live(target: HotCopyTarget, into: Path) -> Path:
    copy_live(target.live_data(), into)
    return into


def _copy_plain(target: HotCopyTarget, into: Path) -> Path:
    target.copy_running(into, bytes_per_s=BYTES_PER_S)
    return into


def _export(target: HotCopyTarget, into: Path) -> Path:
    # not the snapshot of that method: under writers it is kept, of many instants, with its coverage
    with connect(target.url, timeout_s=DEADLINE_S) as chroma:
        scopes = scopes_of(target) or (Scope(),)
        exporter.export(chroma, into, scopes=scopes, retry=TRIES - 1, suffix="")
    return into


HOT_COPY_METHODS = {
    method.name: method
    for method in (
        HotCopyMethod("volume-copy", "stop, copy, start", _copy_stopped, ("restart", "volume")),
        HotCopyMethod(
            "pause-copy", "freeze the process, copy, wake it", _copy_paused, ("pause", "hotcopy")
        ),
        HotCopyMethod("lock-copy", "hold SQLite's write lock, copy", _copy_locked, in_place=True),
        HotCopyMethod(
            "live-copy",
            "the lock, for clones of the files where there are",
            _copy_live,
            in_place=True,
        ),
        HotCopyMethod("plain-copy", "copy the files as they are", _copy_plain),
        HotCopyMethod("export", "read everything via the API, twice", _export, ("snapshot",)),
    )
}
