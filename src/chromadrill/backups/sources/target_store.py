"""What the target's own platform keeps, as a source: where it hands a snapshot out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.sources.contents import locate
from chromadrill.backups.sources.source import newest_first
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Artefact
from chromadrill.core.protocols import (
    HandsOutSnapshots,
    HasBackupStore,
    HasSnapshots,
    KeepsSnapshots,
    Target,
)

INSTEAD = (
    "Make exports of it (chromadrill backup --all --output-file F), and name their folder as the"
    " source; or restore it on a staging target: chromadrill ops --target T restore ID."
)


@dataclass(frozen=True, slots=True)
class TargetSource:
    """The snapshots of `target`, through its own capabilities; it is only read."""

    name: str
    target: Target

    @property
    def where(self) -> str:
        return f"the snapshots of {self.target.name}"

    def artefacts(self) -> list[Artefact]:
        """Newest first. Raises Unavailable where the target has no snapshots to list."""
        if isinstance(self.target, HasSnapshots):
            rows = [(b.id, b.created_at, b.bytes or None) for b in self.target.snapshots()]
        elif isinstance(self.target, HasBackupStore):
            entries = self.target.backup_store().backups
            rows = [(entry.id, entry.created_at, entry.bytes) for entry in entries]
        else:
            raise Unavailable(
                f"[backups.{self.name}] source = 'target': {self.target.name} has no snapshots of"
                " its own.",
                next_step=f"Name where they are: [backups.{self.name}] source = 'FOLDER', 'command'"
                " or 'restic:REPOSITORY'.",
            )
        return newest_first(
            [Artefact(name, time_text(parse_time(at)), size, "snapshot") for name, at, size in rows]
        )

    def size_of(self, artefact: Artefact) -> int | None:
        """What the target says of it, where it hands the snapshot out."""
        return artefact.bytes if isinstance(self.target, HandsOutSnapshots) else 0

    def fetch(self, artefact: Artefact, into: Path) -> Path:
        """Where the snapshot lies on this machine, else what the target puts into `into`."""
        if isinstance(self.target, HandsOutSnapshots):
            self.target.fetch_snapshot(artefact.id, into)
            return locate(into, f"snapshot {artefact.id} of {self.target.name}")
        backups = self.target.snapshots() if isinstance(self.target, HasSnapshots) else []
        backup = next((backup for backup in backups if backup.id == artefact.id), None)
        if backup is None and backups:
            raise Unavailable(f"{artefact.id} is gone from {self.where}.")
        if backup is not None and backup.path and _has_files(Path(backup.path)):
            return Path(backup.path)
        if isinstance(self.target, KeepsSnapshots):
            raise Unavailable(self.target.kept_because, next_step=INSTEAD)
        raise Unavailable(
            f"{self.target.name} does not hand out its snapshot {artefact.id}: it has no files on"
            " this machine.",
            next_step=INSTEAD,
        )


def _has_files(folder: Path) -> bool:
    """Whether the data lie beside the manifest: an index of a platform's snapshots has none."""
    return folder.is_dir() and any(
        entry.name not in (manifest.NAME, "fingerprint") for entry in folder.iterdir()
    )
