"""The source of a `[backups.NAME]`, by its setting `source`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chromadrill.backups.sources.command import CommandSource
from chromadrill.backups.sources.folder import FolderSource
from chromadrill.backups.sources.restic import PREFIX, parse_source
from chromadrill.backups.sources.source import BackupSource
from chromadrill.backups.sources.target_store import TargetSource
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.protocols import Target
from chromadrill.core.settings import BackupTable, Settings

COMMAND, TARGET = "command", "target"


def open_source(
    settings: Settings, name: str, *, open_target: Callable[[str], Target]
) -> BackupSource:
    """The source of `[backups.NAME]`. `open_target`: of a target by its name, behind the safety rules.

    Raises UsageError for an unknown name, and for a table that keeps recordings alone.
    """
    table = table_of(settings, name)
    source = table.source
    if source is None:
        raise UsageError(
            f"[backups.{name}] has no source: where its backups lie is not said.",
            next_step=f"Write [backups.{name}] source = 'FOLDER', 'restic:REPOSITORY', 'command' or"
            " 'target'.",
        )
    if source == COMMAND:
        return CommandSource(name, str(table.list), str(table.fetch), table.timeout_s)
    if source == TARGET:
        return TargetSource(name, open_target(str(table.target)))
    if source.startswith(PREFIX):
        return parse_source(name, source, table.timeout_s)
    return FolderSource(name, Path(source).expanduser())


def table_of(settings: Settings, name: str) -> BackupTable:
    """`[backups.NAME]`. Raises UsageError, with the nearest name, for an unknown one."""
    if name not in settings.backups:
        raise UsageError(f"No [backups.{name}]. {did_you_mean(name, settings.backups)}")
    return settings.backups[name]
