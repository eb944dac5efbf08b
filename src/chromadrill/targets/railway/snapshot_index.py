"""What a platform does not keep of its own snapshots: the fingerprint, in a folder for each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups import catalog, manifest
from chromadrill.backups.export.backup_method import METHOD as EXPORT
from chromadrill.core.errors import Refused
from chromadrill.core.model import JSON, Backup, Fingerprint
from chromadrill.targets.railway.backups import PlatformBackup, find_by_name

METHOD = "platform snapshot"


@dataclass(frozen=True, slots=True)
class SnapshotIndex:
    """`folder` holds ID/manifest.json and ID/fingerprint; whole exports lie there too."""

    folder: Path

    def new_id(self, name: str | None, there: Sequence[PlatformBackup]) -> str:
        """A name that neither the platform nor this book has.

        An entry whose snapshot the platform has deleted is removed: a restore deletes newer ones.
        """
        if name and find_by_name(there, name):
            raise Refused(f"A snapshot '{name}' exists already; it was not touched.")
        if name and self._entries().get(name, {}).get("method") == METHOD:
            shutil.rmtree(self.folder / name)
        return catalog.new_id(self.folder, name)

    def add(
        self,
        backup_id: str,
        before: Fingerprint,
        made: PlatformBackup,
        source: JSON,
        *,
        size: float,
    ) -> Backup:
        """Keep the fingerprint of a snapshot just made."""
        with catalog.new_folder(self.folder, backup_id) as folder:
            folder.mkdir()
            catalog.describe(
                folder, before, backup_id=backup_id, method=METHOD, source=source,
                created_at=made.created_at, bytes=int(size),
            )  # fmt: skip
        return catalog.open_backup(self.folder / backup_id)

    def backups(self, there: Sequence[PlatformBackup]) -> list[Backup]:
        """The platform's snapshots, with their folder where they have one, and the exports here."""
        kept = {
            entry["source"]["backup"]: folder
            for folder, entry in self._entries().items()
            if entry["method"] == METHOD
        }
        found = [
            catalog.open_backup(self.folder / kept[each.id])
            if each.id in kept
            else Backup(_id_of(each, there), "", METHOD, each.created_at, each.bytes or 0)
            for each in there
        ]
        found += [each for each in catalog.list_backups(self.folder) if each.method == EXPORT]
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    def platform_backup(self, backup: Backup, there: Sequence[PlatformBackup]) -> PlatformBackup:
        """The platform's own record of `backup`."""
        if backup.path:
            wanted = manifest.read(Path(backup.path))["source"]["backup"]
            return next(each for each in there if each.id == wanted)
        return next(each for each in there if _id_of(each, there) == backup.id)

    def _entries(self) -> dict[str, JSON]:
        return {
            each.name: manifest.read(each)
            for each in self.folder.iterdir()
            if not each.name.startswith(".") and (each / manifest.NAME).is_file()
        }


def _id_of(backup: PlatformBackup, there: Sequence[PlatformBackup]) -> str:
    """Its name; its id where it has none or another has the same."""
    alone = sum(each.name == backup.name for each in there) == 1
    return backup.name if backup.name and alone else backup.id
