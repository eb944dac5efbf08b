"""Backups of a volume instance: made once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chromadrill.core import model
from chromadrill.core.errors import Refused
from chromadrill.targets.railway import graphql
from chromadrill.targets.railway.api import Api
from chromadrill.targets.railway.workflows import wait_for_effect

WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class PlatformBackup:
    """`created_at` in UTC, ISO 8601; `bytes` as the platform says, which it caches for hours; None
    where it does not say."""

    id: str
    name: str | None
    created_at: str
    bytes: int | None
    scheduled: bool
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class PlatformSchedule:
    """`cron` in UTC, chosen by the platform; `retention_s` None: for ever."""

    kind: str
    cron: str
    retention_s: int | None


def list_backups(api: Api, instance: str) -> list[PlatformBackup]:
    """All backups of a volume instance, newest first."""
    backups = [
        PlatformBackup(
            id=row["id"],
            name=row["name"],
            created_at=row["createdAt"],
            bytes=_bytes(row["referencedMB"] or row["usedMB"]),
            scheduled=row["scheduleId"] is not None,
            expires_at=row["expiresAt"],
        )
        for row in api.run(graphql.BACKUPS, instance=instance)
    ]
    return sorted(backups, key=lambda backup: backup.created_at, reverse=True)


def _bytes(megabytes: float | None) -> int | None:
    return None if megabytes is None else int(1e6 * megabytes)


def create(api: Api, instance: str, name: str, *, within_s: float = WITHIN_S) -> PlatformBackup:
    """Make a backup called `name`, and return when it is there.

    The name is what a lost answer is found again by: raises Refused where it is taken.
    """
    if find_by_name(list_backups(api, instance), name):
        raise Refused(f"Railway has a backup '{name}' of this volume already; nothing was made.")
    sent = api.attempt(graphql.CREATE, instance=instance, name=name)
    return wait_for_effect(
        api,
        sent,
        lambda: find_by_name(list_backups(api, instance), name),
        within_s=within_s,
        name=f"backup '{name}'",
    )


def schedules(api: Api, instance: str) -> list[PlatformSchedule]:
    """What the platform makes by itself, and for how long it keeps it."""
    return [
        PlatformSchedule(row["kind"], row["cron"], row["retentionSeconds"])
        for row in api.run(graphql.SCHEDULES, instance=instance)
    ]


def to_model(schedule: PlatformSchedule) -> model.Schedule:
    """A platform's schedule as one of ours, with its hour where the cron names one."""
    minute, hour, *_ = [*schedule.cron.split(), "", ""]
    at = f"{int(hour):02}:{int(minute):02}" if (hour + minute).isdecimal() and hour else None
    days = None if schedule.retention_s is None else schedule.retention_s / 86_400
    return model.Schedule(schedule.kind.lower(), at, days)


def find_by_name(backups: Sequence[PlatformBackup], name: str) -> PlatformBackup | None:
    """The first backup of that name; None where there is none."""
    return next((backup for backup in backups if backup.name == name), None)
