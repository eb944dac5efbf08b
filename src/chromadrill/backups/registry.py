"""The registry of backup methods, by the name that commands and manifests use."""

from __future__ import annotations

from chromadrill.backups import volume_copy
from chromadrill.backups.export import backup_method as export
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import Backup
from chromadrill.core.protocols import BackupMethod

METHODS: dict[str, BackupMethod] = {volume_copy.METHOD: volume_copy, export.METHOD: export}
# manifests of older releases spell a method so
_OLD_SPELLINGS = {"volume copy": volume_copy.METHOD}


def method_of(backup: Backup) -> BackupMethod:
    """Return the method that made `backup` and puts it back; UsageError for an unknown one."""
    name = _OLD_SPELLINGS.get(backup.method, backup.method)
    if name not in METHODS:
        raise UsageError(
            f"Backup {backup.id}: unknown method '{backup.method}'. {did_you_mean(name, METHODS)}"
        )
    return METHODS[name]
