"""Disasters of the files: the server is killed, its files are damaged, the platform restarts it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups.volume_copy import empty
from chromadrill.errors import DrillError
from chromadrill.protocols import HasVolume, Restartable, Target

DATABASE = "chroma.sqlite3"


@dataclass(frozen=True, slots=True)
class FileDisaster:
    """`damage` changes the data directory of the stopped server; raises LookupError for no victim."""

    name: str
    what: str
    damage: Callable[[Path], None]

    def __str__(self) -> str:
        return self.name

    def strike(self, target: Target) -> None:
        if not (isinstance(target, Restartable) and isinstance(target, HasVolume)):
            raise DrillError(f"{target.name} lacks 'restart' or 'volume' for {self.name}.")
        target.kill()
        with target.volume() as data:
            self.damage(data)
        # the platform restarts what died; that it may not come up again is part of the disaster
        with contextlib.suppress(DrillError):
            target.start()


def lose_volume(data: Path) -> None:
    empty(data)


def corrupt_database(data: Path) -> None:
    """Overwrite a quarter of the pages from the second one on: it opens, and is malformed."""
    path = data / DATABASE
    page = 4096
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(page)
        file.write(b"\xa5" * max(page, size // 4 // page * page))


def delete_segment(data: Path) -> None:
    """Delete the directory of the largest synced vector segment.

    Silent: heartbeat, count and a default get stay right (measured), the vectors are gone.
    """
    segment = largest_synced_segment(data)
    for each in segment.iterdir():
        each.unlink()
    segment.rmdir()


def largest_synced_segment(data: Path) -> Path:
    """Only a segment with its pickle is synced: below the threshold the queue holds the vectors."""
    with contextlib.closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as db:
        known = {row[0] for row in db.execute("SELECT id FROM segments WHERE scope = 'VECTOR'")}
    synced = [p.parent for p in data.glob("*/index_metadata.pickle") if p.parent.name in known]
    if not synced:
        raise LookupError(f"{data}: no synced vector segment to delete")
    return max(synced, key=lambda each: (each / "data_level0.bin").stat().st_size)


VOLUME_LOST = FileDisaster("volume-lost", "the data volume is empty", lose_volume)
DATABASE_CORRUPTED = FileDisaster(
    "sqlite-corrupted", "chroma.sqlite3 is overwritten in part", corrupt_database
)
SEGMENT_DELETED = FileDisaster(
    "segment-deleted", "the directory of a vector segment is gone", delete_segment
)
