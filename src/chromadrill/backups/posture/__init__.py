"""The stores where backups are kept, as they are listed; `checks.posture` judges them."""

from __future__ import annotations

from pathlib import Path

from chromadrill.core.errors import DrillError
from chromadrill.core.model import BackupStore, StoreEntry
from chromadrill.core.protocols import HasBackupStore, HasSnapshots, Target


def store_of(target: Target, named: str | None) -> BackupStore:
    """Return the store `named` (a folder, or what follows), else the target's own.

    restic:REPOSITORY[#TAG or #/PATH][#host=HOST].

    Raises UsageError for a wrong name, Unavailable where the store cannot be read.
    """
    if named and named.startswith("restic:"):
        from chromadrill.backups.posture.restic_store import store

        return store(named.removeprefix("restic:"))
    if named:
        from chromadrill.backups.posture.folder_store import store as folder

        return folder(Path(named))
    if isinstance(target, HasBackupStore):
        return target.backup_store()
    if not isinstance(target, HasSnapshots):
        raise DrillError(
            f"{target.name} has no snapshots of its own.",
            next_step="Name where its backups are, a folder or restic:REPOSITORY:"
            " chromadrill posture --store FOLDER",
        )
    entries = [
        StoreEntry(b.id, b.created_at, b.bytes or None, b.method) for b in target.snapshots()
    ]
    return BackupStore(f"the snapshots of {target.name}", tuple(entries))
