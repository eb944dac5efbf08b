"""Are the backups of an environment as its plan wants them? Facts of a store in, verdicts out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from chromadrill.core.clock import parse_time
from chromadrill.core.model import (
    BackupStore,
    Outcome,
    Plan,
    ProvenRestore,
    Schedule,
    StoreEntry,
    Verdict,
)

DAYS = {"daily": 1.0, "weekly": 7.0, "monthly": 30.0}
GRACE = timedelta(hours=1)  # a backup takes its time, and a schedule begins when it can
PROOF_DAYS = 35.0  # a drill is monthly, and may be a few days late
SHRUNK = 0.5  # of what it is a backup of, or of those before it


def judge(
    store: BackupStore,
    plans: Sequence[Plan],
    *,
    now: datetime,
    may_lose_s: float,
    restore_limit_s: float,
    proven: ProvenRestore | None,
    kind: str,
    simulated: bool = False,
) -> list[Verdict]:
    """All verdicts on a store. `kind` and `simulated` are of the target that is backed up."""
    verdicts = [newest(store, plans, now, may_lose_s)]
    if not plans:
        verdicts.append(
            Verdict.unknown(
                "schedule",
                "no schedule is asked for: [[environments.NAME.backups]], NAME being the environment of"
                " the target, or that of [backups.NAME]",
            )
        )
    for plan in plans:
        verdicts += [schedule(store, plan, now), hour(store, plan), retention(store, plan, now)]
    return [*verdicts, size(store), restorable(proven, restore_limit_s, kind, now, simulated)]


def newest(store: BackupStore, plans: Sequence[Plan], now: datetime, may_lose_s: float) -> Verdict:
    """The age of the newest backup: at most the shortest interval and an hour."""
    limit_s = may_lose_s
    if plans:
        limit_s = min(86_400 * DAYS[plan.every] for plan in plans) + GRACE.total_seconds()
    numbers = {"limit": limit_s, "unit": "s"}
    ages = _ages(store, now)
    if not ages:
        return Verdict.failed("newest backup", f"{store.where}: there is no backup", **numbers)
    age_s = 86_400 * ages[0]
    if age_s < -300:
        return Verdict.unknown(
            "newest backup", f"it is of {-age_s:.0f} s from now: a clock is wrong", **numbers
        )
    sentence = f"{_hours(max(0.0, age_s))} old, {_hours(limit_s)} allowed"
    make = Verdict.passed if age_s <= limit_s else Verdict.failed
    return make("newest backup", sentence, actual=age_s, **numbers)


def schedule(store: BackupStore, plan: Plan, now: datetime) -> Verdict:
    """Whether backups are made as planned: as the platform says, else by the times of the backups."""
    check = f"{plan.every} schedule"
    if store.schedules is not None:
        if _of(store, plan):
            return Verdict.passed(check, f"{store.where} makes one")
        others = ", ".join(other.every for other in store.schedules) or "none"
        return Verdict.failed(check, f"{store.where} has no such schedule; there: {others}")
    ages = _apart([age for age in _ages(store, now) if age <= plan.keep_days])
    if len(ages) < 2:
        return Verdict.unknown(check, f"{len(ages)} times in {plan.keep_days:g} days: too few")
    gap = max(older - newer for newer, older in pairwise(ages))
    limit = DAYS[plan.every] + GRACE / timedelta(days=1)
    make = Verdict.passed if gap <= limit else Verdict.failed
    sentence = f"made {len(ages)} times, at most {gap:.1f} days between two of them"
    return make(check, sentence, actual=gap, limit=limit, unit="days")


def hour(store: BackupStore, plan: Plan) -> Verdict:
    """When backups are made, in UTC. A plan without an hour accepts any."""
    check = f"{plan.every} hour"
    if plan.at is None:
        return Verdict.not_run(check, "any hour is right")
    if store.schedules is not None:
        mine = _of(store, plan)
        if not mine or mine.at is None:
            return Verdict.unknown(check, f"{store.where} does not say when it makes one")
        if mine.at == plan.at:
            return Verdict.passed(check, f"{mine.at} UTC")
        return Verdict.failed(
            check,
            f"{mine.at} UTC, wanted {plan.at}{_how_to_accept(store, 'the hour', 'at', mine.at)}",
        )
    times = [parse_time(entry.created_at) for entry in store.backups]
    if not times:
        return Verdict.unknown(check, "there is no backup to tell it by")
    wanted = int(plan.at[:2]) * 60 + int(plan.at[3:])
    off = [min((t - wanted) % 1440, (wanted - t) % 1440) for t in map(_minutes, times)]
    near = sum(minutes <= GRACE.total_seconds() / 60 for minutes in off)
    make = Verdict.passed if near * 2 > len(times) else Verdict.failed
    return make(check, f"{near} of {len(times)} were made within an hour of {plan.at} UTC")


def retention(store: BackupStore, plan: Plan, now: datetime) -> Verdict:
    """How long backups are kept, in days; longer is fine."""
    check = f"{plan.every} retention"
    numbers = {"limit": plan.keep_days, "unit": "days"}
    if store.schedules is not None:
        mine = _of(store, plan)
        if mine is None:
            return Verdict.unknown(check, "there is no such schedule", **numbers)
        if mine.keep_days is None:
            return Verdict.passed(check, "kept for ever", **numbers)
        sentence = f"kept {mine.keep_days:g} days, wanted {plan.keep_days:g}"
        if mine.keep_days >= plan.keep_days:
            return Verdict.passed(check, sentence, actual=mine.keep_days, **numbers)
        hint = _how_to_accept(store, "the retention", "keep_days", f"{mine.keep_days:g}")
        return Verdict.failed(check, sentence + hint, actual=mine.keep_days, **numbers)
    ages = _ages(store, now)
    oldest = ages[-1] if ages else 0.0
    sentence = f"the oldest is {oldest:.1f} days old, wanted {plan.keep_days:g}"
    # the one that is due to go may be gone already
    if oldest >= plan.keep_days - DAYS[plan.every]:
        return Verdict.passed(check, sentence, actual=oldest, **numbers)
    return Verdict.unknown(
        check, f"{sentence}: deleted, or the store is that young", actual=oldest, **numbers
    )


def size(store: BackupStore) -> Verdict:
    """The newest backup's size, compared with the volume, else with those before it.

    Only backups made in the same way are compared: an export has another size than a copy.
    """
    sized = [entry for entry in _newest_first(store) if entry.bytes is not None]
    if not sized:
        return Verdict.unknown("size", f"{store.where} says no size")
    backups = [entry for entry in sized if entry.method == sized[0].method]
    sizes = [entry.bytes or 0 for entry in backups]
    kind = f"{backups[0].method} " if backups[0].method else ""
    mine, others = sizes[0], sizes[1:]
    if mine == 0:
        return Verdict.failed("size", f"the newest {kind}backup is empty", actual=0.0, unit="bytes")
    if store.size_bytes and mine > store.size_bytes:
        return Verdict.failed(
            "size", f"{_mb(mine)}, more than the volume's {_mb(store.size_bytes)}",
            actual=mine, limit=store.size_bytes, unit="bytes",
        )  # fmt: skip
    against = store.used_bytes or (int(median(others)) if others else None)
    source = "on the volume" if store.used_bytes else f"{kind}backups before it"
    if against is None:
        message = f"{_mb(mine)}: there is no {kind}backup before it to compare its size with"
        return Verdict.unknown("size", message, actual=mine)
    make = Verdict.passed if mine >= SHRUNK * against else Verdict.failed
    return make(
        "size", f"{_mb(mine)}, {source}: {_mb(against)}",
        actual=mine, limit=SHRUNK * against, unit="bytes",
    )  # fmt: skip


def restorable(
    proven: ProvenRestore | None, limit_s: float, kind: str, now: datetime, simulated: bool = False
) -> Verdict:
    """Whether a drill of this kind of target has restored everything in time, lately and for real."""
    check = "restore in time"
    if proven is None:
        return Verdict.unknown(check, "no drill has proven a restore: chromadrill drill")
    run = f"run {proven.run} ({proven.environment or 'of no named environment'})"
    if proven.kind != kind:
        return Verdict.unknown(check, f"{run} proves it for a {proven.kind}, not for a {kind}")
    if proven.simulated and not simulated:
        return Verdict.unknown(check, f"{run} was on a simulated platform, and proves no real one")
    days = (now - parse_time(proven.at)) / timedelta(days=1)
    if not 0 <= days <= PROOF_DAYS:
        return Verdict.unknown(
            check, f"{run} ended {days:.1f} days ago; the last {PROOF_DAYS:g} count"
        )
    if proven.outcome is not Outcome.PASS:
        make = Verdict.failed if proven.outcome is Outcome.FAIL else Verdict.unknown
        return make(check, f"{run}: not every restore in it passed (RB-2, RB-8)")
    if proven.seconds is None:
        return Verdict.unknown(check, f"{run}: no restore in it was timed")
    make = Verdict.passed if proven.seconds <= limit_s else Verdict.failed
    what = f"{proven.backup} in {run}" if proven.backup else f"in {run}"
    message = f"{proven.seconds:.1f} s of {limit_s:g} s, {what}, {days:.0f} days ago"
    if proven.others:
        message += f"; not proven in that run: {', '.join(proven.others)}"
    return make(
        check, message,
        actual=proven.seconds, limit=limit_s, unit="s",
    )  # fmt: skip


# of block copies of a running server: damaged, of so many (`pytest -m powercut`, 1.5.9, ext4)
WAYS = {
    "stopped": "the server is stopped for it",
    "exported": "read via the API",
    "frozen": "the file system is frozen for it; not while an index is written",
    "flushed": "a flusher runs beside the server: 2 of 260 block copies were damaged",
}


def way_taken(taken: str | None) -> Verdict:
    """Whether a backup taken so has what the server acknowledged; `taken`: as `[backups.NAME]` says."""
    check = "way taken"
    if taken is None:
        return Verdict.not_run(check, "nobody says how it is taken: [backups.NAME] taken")
    if taken in WAYS:
        return Verdict.passed(check, WAYS[taken])
    return Verdict.failed(
        check,
        "UNSAFE: of a running server, not frozen and without a flusher. Of 86 block copies after a flush"
        " of the index 86 had lost vectors, with right counts. Next: stop or freeze it, or chromadrill"
        " flush",
    )


def _how_to_accept(store: BackupStore, setting: str, key: str, value: str) -> str:
    if not store.fixed:
        return ""
    return f"; {store.fixed} fixes {setting}: to accept it, set {key} = {value} in the plan"


def _of(store: BackupStore, plan: Plan) -> Schedule | None:
    return next(
        (schedule for schedule in store.schedules or () if schedule.every == plan.every), None
    )


def _newest_first(store: BackupStore) -> list[StoreEntry]:
    return sorted(store.backups, key=lambda entry: parse_time(entry.created_at), reverse=True)


def _ages(store: BackupStore, now: datetime) -> list[float]:
    """Days, the newest first."""
    return [
        (now - parse_time(entry.created_at)) / timedelta(days=1) for entry in _newest_first(store)
    ]


def _apart(ages: list[float]) -> list[float]:
    """Ages that are more than the grace apart: several files of one backup count once."""
    groups: list[float] = []
    for age in ages:
        if not groups or age - groups[-1] > GRACE / timedelta(days=1):
            groups.append(age)
    return groups


def _minutes(at: datetime) -> int:
    offset = at.utcoffset() or timedelta()
    return int(((at - offset).hour * 60 + (at - offset).minute) % 1440)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
