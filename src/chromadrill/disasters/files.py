"""Disasters of the files: the server is killed, its files are damaged, the platform restarts it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.errors import DrillError
from chromadrill.core.protocols import HasVolume, Restartable, Target
from chromadrill.disasters.catalogue.faults import FAULT_SPECS, bind


@dataclass(frozen=True, slots=True)
class FileDisaster:
    """`damage` changes the data directory of the stopped server; raises LookupError for no victim."""

    name: str
    what: str
    damage: Callable[[Path], None]

    def __str__(self) -> str:
        return self.name

    def inject(self, target: Target) -> None:
        if not (isinstance(target, Restartable) and isinstance(target, HasVolume)):
            raise DrillError(f"{target.name} lacks 'restart' or 'volume' for {self.name}.")
        target.kill()
        with target.volume() as data:
            self.damage(data)
        # the platform restarts what died; that it may not come up again is part of the disaster
        with contextlib.suppress(DrillError):
            target.start()


def from_catalogue(name: str, fault: str) -> FileDisaster:
    """A fault of the catalogue as a disaster: the sabotage suite proves that it is caught."""
    spec = next(spec for spec in FAULT_SPECS if spec.name == fault)
    return FileDisaster(name, spec.what, lambda data: bind(spec, data).inject(data))


VOLUME_LOST = from_catalogue("volume-lost", "empty_directory")
DATABASE_CORRUPTED = from_catalogue("sqlite-corrupted", "truncated_half")
# silent: heartbeat, count and a default get stay right (measured), the vectors are gone
SEGMENT_DELETED = from_catalogue("segment-deleted", "directory_deleted")
