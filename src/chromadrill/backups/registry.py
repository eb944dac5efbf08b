"""The registry of backup methods, by the name that commands and manifests use.

A method is imported when it is used: each brings pyarrow, and `ops stop` needs none of them.
"""

from __future__ import annotations

import importlib
from collections import UserDict
from typing import cast

from chromadrill.core import renamed
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import Backup
from chromadrill.core.protocols import ApiBackupMethod, BackupMethod


class BackupMethods(UserDict[str, BackupMethod | str]):
    """Methods by name; a text is the module that is one."""

    def __getitem__(self, name: str) -> BackupMethod:
        method = self.data[name]
        if isinstance(method, str):
            return cast(BackupMethod, importlib.import_module(method))
        return method


LIVE = "live-copy"  # it needs the running server's directory

METHODS = BackupMethods(
    {
        "volume-copy": "chromadrill.backups.volume_copy",
        LIVE: "chromadrill.backups.live_copy",
        "export": "chromadrill.backups.export.backup_method",
    }
)


def method_of(backup: Backup) -> BackupMethod:
    """Return the method that made `backup` and puts it back; UsageError for an unknown one."""
    name = renamed.BACKUP_METHODS.get(backup.method, backup.method)
    if name not in METHODS:
        raise UsageError(
            f"Backup {backup.id}: unknown method '{backup.method}'. {did_you_mean(name, METHODS)}"
        )
    return METHODS[name]


def api_method(name: str) -> ApiBackupMethod | None:
    """Return the method `name` where it works via the API.

    None for a copy of the volume, and for what a platform makes itself.
    """
    method = METHODS.get(name)
    return method if isinstance(method, ApiBackupMethod) else None


def is_via_api(backup: Backup) -> bool:
    """Whether a restore of `backup` replaces its collections alone, and leaves the volume."""
    return api_method(backup.method) is not None
