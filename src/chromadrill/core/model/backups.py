"""Backups, where they are kept, and what a drill has proven of them."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.model.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Backup:
    """An artefact made by a backup method, with its fingerprint and manifest beside it."""

    id: str
    path: str
    method: str
    created_at: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How often a backup is to be made: daily, weekly or monthly; `at` HH:MM in UTC, None: any."""

    every: str
    at: str | None
    keep_days: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a platform does by itself; `keep_days` None: for ever, `at` None: it does not say."""

    every: str
    at: str | None
    keep_days: float | None


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A backup as its store lists it. `bytes` None: it does not say. ISO 8601, UTC.

    `method`: how it was made, where a store holds backups of several kinds: a copy and an export of
    one database have different sizes.
    """

    id: str
    created_at: str
    bytes: int | None
    method: str = ""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One backup of a source of backups (`[backups.NAME]`), not fetched yet. ISO 8601, UTC.

    `created_at`: when it was made, as far as its source tells. `bytes` None: the source does not say.
    `kind`: folder, archive, export, restic, command or snapshot. `begun_at` and `finished_at`: the time
    that the copying took, where that is known.
    """

    id: str
    created_at: str
    bytes: int | None
    kind: str
    begun_at: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class BackupStore:
    """What is seen of the place where backups are. `schedules` None: it has none to ask for.

    `fixed`: whose limits are not ours to set (a platform's name), "" where they are.
    """

    where: str
    backups: tuple[StoreEntry, ...]
    schedules: tuple[Schedule, ...] | None = None
    used_bytes: int | None = None
    size_bytes: int | None = None
    fixed: str = ""


@dataclass(frozen=True, slots=True)
class ProvenRestore:
    """What a drill's record proves of restores: all of its RB-2 and RB-8 together.

    `seconds`: the slowest that passed; None where none was timed. `at`: when the run ended (ISO 8601,
    UTC). `environment`: where it was, None where the record does not say. `backup`: the one of the
    user's own that it is about, None for a drill's. `others`: those of the same run that did not pass.
    """

    kind: str
    run: str
    outcome: Outcome
    seconds: float | None
    at: str
    environment: str | None = None
    simulated: bool = False
    backup: str | None = None
    others: tuple[str, ...] = ()
