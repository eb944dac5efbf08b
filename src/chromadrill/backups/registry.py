"""The backup methods, by the word that commands use."""

from __future__ import annotations

from chromadrill.backups import volume_copy
from chromadrill.backups.export import backup_method as export
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import Backup
from chromadrill.core.protocols import BackupMethod

METHODS: dict[str, BackupMethod] = {"volume-copy": volume_copy, "export": export}


def method_of(backup: Backup) -> BackupMethod:
    """The method that made a backup, and puts it back."""
    for method in METHODS.values():
        if backup.method == method.METHOD:
            return method
    known = [method.METHOD for method in METHODS.values()]
    raise UsageError(
        f"Backup {backup.id}: unknown method '{backup.method}'. {did_you_mean(backup.method, known)}"
    )
