"""Ways to copy a server that clients write to. Which of them are backups, the suite measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chromadrill.backups import files
from chromadrill.backups.hot_copy.write_lock import write_lock
from chromadrill.core.protocols import HasSnapshots, HotCopyable, Pausable, Stoppable

# A copy this slow takes as long of our few megabytes as a disk's does of gigabytes: torn copies are
# a matter of time (measured: of 14 MB at once 2 of 10 were, at this pace 10 of 10).
BYTES_PER_S = 8e6


class Copied(Stoppable, Pausable, HotCopyable, HasSnapshots, Protocol):
    """What a target must be able to do for all of the ways."""


@dataclass(frozen=True, slots=True)
class Way:
    """`copy(target, into)` makes a copy, and gives its place: a data directory, or an export.

    It raises DrillError where it refuses to. `needs`: capabilities of the target. `in_place`: it
    reaches into the running server's own directory.
    """

    name: str
    what: str
    copy: Callable[[Copied, Path], Path]
    needs: tuple[str, ...] = ("hotcopy",)
    in_place: bool = False

    def __str__(self) -> str:
        return self.name


def _stopped(target: Copied, into: Path) -> Path:
    target.stop()
    try:
        with target.volume() as data:
            files.copy_running(data, into, bytes_per_s=BYTES_PER_S)
    finally:
        target.start()
    return into


def _paused(target: Copied, into: Path) -> Path:
    target.pause()
    try:
        target.copy_running(into, bytes_per_s=BYTES_PER_S)
    finally:
        target.unpause()
    return into


def _locked(target: Copied, into: Path) -> Path:
    with write_lock(target.live_data()):
        target.copy_running(into, bytes_per_s=BYTES_PER_S)
    return into


def _plain(target: Copied, into: Path) -> Path:
    target.copy_running(into, bytes_per_s=BYTES_PER_S)
    return into


def _export(target: Copied, _: Path) -> Path:
    return Path(target.snapshot(method="export").path)


WAYS = {
    way.name: way
    for way in (
        Way("stop-copy", "stop, copy, start", _stopped, ("restart", "volume")),
        Way("pause-copy", "freeze the process, copy, wake it", _paused, ("pause", "hotcopy")),
        Way("lock-copy", "hold SQLite's write lock, copy", _locked, in_place=True),
        Way("plain-copy", "copy the files as they are", _plain),
        Way("export", "read everything over the API, twice", _export, ("snapshot",)),
    )
}
