"""Recordings of a target: of which backups they are, where they are kept, and how a server is read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chromadrill.chroma import connection
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.recording import ServerRecording, record_server
from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.progress import Progress, silent
from chromadrill.core.settings import BackupTable, Settings
from chromadrill.core.urls import plain_url, without_password
from chromadrill.drill.connection import LONG_S
from chromadrill.monitoring.factory import monitored_scopes
from chromadrill.targets.registry import open_target
from chromadrill.targets.safety.access import declare_read_only

CLOCK_S = 5.0  # clocks that are further apart than this are worth a sentence


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """`target`: the server that is read. `backup`: the NAME of [backups.NAME], or of its default."""

    target: str
    backup: str
    folder: Path
    keep_days: float


def plan_recording(settings: Settings, target: str | None, backup: str | None) -> RecordingPlan:
    """Return what `--target` and `--backup` mean together. Raises UsageError where they do not fit.

    Either is enough where [backups.NAME] names its target. A target of drill.toml without such a table
    keeps its recordings in recordings/TARGET.
    """
    tables = settings.backups
    if backup is None and target is None:
        target = _only_target(settings)
    if backup is None:
        assert target is not None  # noqa: S101 - one of both is known by now
        backup = _backup_of(tables, target)
    elif backup not in tables:
        raise UsageError(
            f"--backup {backup}: no [backups.{backup}]. {did_you_mean(backup, tables)}",
            next_step=f"Write [backups.{backup}] with its target in drill.toml.",
        )
    table = tables.get(backup) or BackupTable(recordings=f"recordings/{backup}")  # type: ignore[call-arg]
    if target is None and table.target is None:
        raise UsageError(f"--target is missing: [backups.{backup}] names none.")
    if target and table.target and not _is_same(target, table.target):
        raise UsageError(
            f"--target {without_password(target)}: [backups.{backup}] is of"
            f" {without_password(table.target)}."
        )
    return RecordingPlan(
        str(target or table.target), backup, Path(table.recordings), table.keep_days
    )


def _only_target(settings: Settings) -> str:
    targets = {table.target for table in settings.backups.values() if table.target}
    if len(targets) == 1:
        return targets.pop()
    if settings.origin("drill.target") != "default":
        return settings.drill.target
    raise UsageError(
        "--target is missing: the server to record.",
        next_step="chromadrill record --target production, or a URL",
    )


def _backup_of(tables: Mapping[str, BackupTable], target: str) -> str:
    """The NAME of the [backups.NAME] of a target; where several share a folder, the first of them.

    A table without a target is no other target's: recordings of two servers in one folder prove nothing.
    """
    names = [name for name, table in tables.items() if _is_same(table.target, target)]
    if not names and target in tables and tables[target].target is None:
        names = [target]
    if len({tables[name].recordings for name in names}) > 1:
        raise UsageError(
            f"--backup is missing: {without_password(target)} is the target of {', '.join(names)}."
        )
    if names:
        return names[0]
    if "/" in target or ":" in target or target in tables:
        name = next((name for name, table in tables.items() if table.target is None), "production")
        raise UsageError(
            f"{without_password(target)} is the target of no [backups.NAME]: its recordings have no"
            " folder.",
            next_step=f"Write below [backups.{name}] in drill.toml:"
            f' target = "{without_password(target)}"',
        )
    return target


def _is_same(one: str | None, other: str | None) -> bool:
    """Whether two names of a target are one, URLs in any spelling."""
    if one and other and "://" in one and "://" in other:
        return plain_url(one) == plain_url(other)
    return one == other


@dataclass(frozen=True, slots=True)
class TargetRecording:
    """What the server held. `clock_ahead_s`: of this machine's clock, against the server's own."""

    server: ServerRecording
    clock_ahead_s: float


def record_target(settings: Settings, name: str, *, progress: Progress = silent) -> TargetRecording:
    """Read the server of a target, whatever its role is: only by reads, and as slowly as production.

    Others may write to it meanwhile. Raises Unavailable for a server that does not answer, fails, or
    holds no collection.
    """
    target = open_target(settings, name)
    scopes = tuple(monitored_scopes(target, settings))
    declare_read_only(target.url)
    with connection.connect(target.url, timeout_s=LONG_S) as chroma:
        try:
            ahead_s = _clock_ahead_s(chroma)
            with progress("recording", None) as advance:
                recorded = record_server(chroma, scopes, advance=advance)
        except CallFailed as error:
            raise Unavailable(f"{chroma.url}: {error}. Nothing was recorded.") from error
    if not recorded.fingerprint.collections:
        where = ", ".join(str(scope) for scope in recorded.fingerprint.scopes)
        raise Unavailable(
            f"{chroma.url} holds no collection in {where}. Nothing was recorded.",
            next_step="Name the tenants that hold something: [targets.NAME] scopes in drill.toml.",
        )
    return TargetRecording(recorded, ahead_s)


def _clock_ahead_s(chroma: Chroma) -> float:
    before = time.time()
    server_s = chroma.heartbeat() / 1e9
    return (before + time.time()) / 2 - server_s
