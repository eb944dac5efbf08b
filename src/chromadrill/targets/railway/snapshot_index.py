"""What a platform does not keep of its own snapshots: the fingerprint, in a folder for each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups import catalog, manifest
from chromadrill.backups.registry import is_via_api
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import JSON, Backup, Fingerprint
from chromadrill.targets.railway.backups import PlatformBackup, find_by_name

METHOD = "platform snapshot"


@dataclass(frozen=True, slots=True)
class SnapshotIndex:
    """`folder` holds ID/manifest.json and ID/fingerprint; whole exports lie there too."""

    folder: Path

    def new_id(self, name: str | None, on_platform: Sequence[PlatformBackup]) -> str:
        """A name that neither the platform nor this index has.

        An entry whose snapshot the platform has deleted is removed: a restore deletes newer ones.
        """
        if name and find_by_name(on_platform, name):
            raise Refused(f"A snapshot '{name}' exists already; it was not touched.")
        if name and self._entries().get(name, {}).get("method") == METHOD:
            shutil.rmtree(self.folder / name)
        return catalog.new_id(self.folder, name)

    def add(
        self,
        backup_id: str,
        before: Fingerprint,
        created: PlatformBackup,
        source: JSON,
        *,
        size: float,
        after: Fingerprint | None = None,
        **more: object,
    ) -> Backup:
        """Keep the fingerprint of a snapshot just made, and what else the manifest is to say."""
        with catalog.new_folder(self.folder, backup_id) as folder:
            folder.mkdir()
            catalog.describe(
                folder, before, backup_id=backup_id, method=METHOD, source=source,
                created_at=created.created_at, bytes=int(size), after=after, **more,
            )  # fmt: skip
        return catalog.open_backup(self.folder / backup_id)

    def backups(self, on_platform: Sequence[PlatformBackup]) -> list[Backup]:
        """The platform's snapshots, with their folder where they have one, and the exports here."""
        folders = {
            _platform_id(entry): folder
            for folder, entry in self._entries().items()
            if entry.get("method") == METHOD
        }
        known = {backup.path: backup for backup in catalog.list_backups(self.folder)}
        backups = [
            known.get(str(self.folder / folders.get(row.id, "")))
            or Backup(_id_of(row, on_platform), "", METHOD, row.created_at, row.bytes or 0)
            for row in on_platform
        ]
        exports = [backup for backup in known.values() if is_via_api(backup)]
        return sorted(backups + exports, key=lambda backup: backup.created_at, reverse=True)

    def platform_backup(
        self, backup: Backup, on_platform: Sequence[PlatformBackup]
    ) -> PlatformBackup:
        """The platform's own record of `backup`."""
        if backup.path:
            wanted = manifest.read(Path(backup.path))["source"]["backup"]
            return next(row for row in on_platform if row.id == wanted)
        return next(row for row in on_platform if _id_of(row, on_platform) == backup.id)

    def _entries(self) -> dict[str, JSON]:
        """The manifests by their folders; of a damaged one `catalog.list_backups` warns."""
        entries = {}
        for folder in self.folder.iterdir():
            if folder.name.startswith(".") or not manifest.is_there(folder):
                continue
            with suppress(Unavailable):
                entries[folder.name] = manifest.read(folder)
        return entries


def _platform_id(entry: JSON) -> str | None:
    """The platform's id of the backup that the manifest is of; None where it does not say it."""
    source = entry.get("source")
    return source.get("backup") if isinstance(source, dict) else None


def _id_of(backup: PlatformBackup, on_platform: Sequence[PlatformBackup]) -> str:
    """Its name; the platform's id where it has none or another has the same name."""
    is_unique = sum(row.name == backup.name for row in on_platform) == 1
    return backup.name if backup.name and is_unique else backup.id
