"""Backups of a volume instance: made once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chromadrill.core import model
from chromadrill.core.errors import Refused
from chromadrill.targets.railway import graphql as ops
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
class Schedule:
    """`cron` in UTC, chosen by the platform; `retention_s` None: for ever."""

    kind: str
    cron: str
    retention_s: int | None


def list_backups(api: Api, instance: str) -> list[PlatformBackup]:
    """Newest first."""
    found = [
        PlatformBackup(
            id=each["id"],
            name=each["name"],
            created_at=each["createdAt"],
            bytes=_bytes(each["referencedMB"] or each["usedMB"]),
            scheduled=each["scheduleId"] is not None,
            expires_at=each["expiresAt"],
        )
        for each in api.run(ops.BACKUPS, instance=instance)
    ]
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def _bytes(megabytes: float | None) -> int | None:
    return None if megabytes is None else int(1e6 * megabytes)


def create(api: Api, instance: str, name: str, *, within_s: float = WITHIN_S) -> PlatformBackup:
    """Make a backup called `name`, and return when it is there.

    The name is what a lost answer is found again by: raises Refused where it is taken.
    """
    if find_by_name(list_backups(api, instance), name):
        raise Refused(f"Railway has a backup '{name}' of this volume already; nothing was made.")
    sent = api.attempt(ops.CREATE, instance=instance, name=name)
    return wait_for_effect(
        api,
        sent,
        lambda: find_by_name(list_backups(api, instance), name),
        within_s=within_s,
        name=f"backup '{name}'",
    )


def delete(api: Api, instance: str, backup: str, *, within_s: float = WITHIN_S) -> None:
    """Delete a backup, and return when it is gone."""
    sent = api.attempt(ops.DELETE, instance=instance, backup=backup)
    wait_for_effect(
        api,
        sent,
        lambda: True if backup not in [e.id for e in list_backups(api, instance)] else None,
        within_s=within_s,
        name=f"the end of backup {backup}",
    )


def lock(api: Api, instance: str, backup: str) -> None:
    """Take its expiry date off; there is no way to unlock."""
    api.run(ops.LOCK, instance=instance, backup=backup)


def schedules(api: Api, instance: str) -> list[Schedule]:
    """What the platform makes by itself, and for how long it keeps it."""
    return [
        Schedule(each["kind"], each["cron"], each["retentionSeconds"])
        for each in api.run(ops.SCHEDULES, instance=instance)
    ]


def to_model(schedule: Schedule) -> model.Schedule:
    """A schedule in our words; its hour where the cron names one."""
    minute, hour, *_ = [*schedule.cron.split(), "", ""]
    at = f"{int(hour):02}:{int(minute):02}" if (hour + minute).isdecimal() and hour else None
    days = None if schedule.retention_s is None else schedule.retention_s / 86_400
    return model.Schedule(schedule.kind.lower(), at, days)


def set_schedules(api: Api, instance: str, kinds: Sequence[str]) -> None:
    """Replace the set of schedules: DAILY, WEEKLY, MONTHLY; none clears it."""
    api.run(ops.SCHEDULE, instance=instance, kinds=list(kinds))


def find_by_name(backups: Sequence[PlatformBackup], name: str) -> PlatformBackup | None:
    return next((each for each in backups if each.name == name), None)
