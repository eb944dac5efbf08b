"""Was it in time, and was nothing acknowledged lost? Limits come from `[objectives]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import quantiles
from typing import Any

from chromadrill.checks.acknowledged import lost_writes
from chromadrill.core.model import (
    Acknowledged,
    Difference,
    FaultInjection,
    Outcome,
    Samples,
    Verdict,
)

CLOCKS_S = 60.0  # by which the clocks of two machines may differ


def within(check: str, actual_s: float | None, limit_s: float, *, what: str) -> Verdict:
    """`what` took no longer than its limit; never having happened is a FAIL."""
    numbers: dict[str, Any] = {"actual": actual_s, "limit": limit_s, "unit": "s"}
    if actual_s is None:
        return Verdict.failed(check, f"{what}: never happened", **numbers)
    sentence = f"{what}: {actual_s:.1f} s of {limit_s:g} s"
    return Verdict(
        check, Outcome.PASS if actual_s <= limit_s else Outcome.FAIL, sentence, **numbers
    )


def recovery_time(
    actual_s: float | None, limit_s: float, *, proven: bool, check: str = "recovery time"
) -> Verdict:
    """From the fault to the first stable correct answer; void unless the check suite then passed."""
    if actual_s is not None and not proven:
        return Verdict.unknown(
            check,
            f"answers came back after {actual_s:.1f} s, but the data is not proven: void",
            limit=limit_s,
            unit="s",
        )
    return within(check, actual_s, limit_s, what="fault to first stable correct answer")


def restore_time(
    phases: Mapping[str, float], limit_s: float, *, answered: bool, proven: bool
) -> Verdict:
    """From the first byte fetched to the first stable right answers, in seconds; void unless proven.

    `phases`: what on-call waits for, each with its seconds. `answered`: right answers came at last.
    """
    check = "recovery time"
    total_s = round(sum(phases.values()), 3)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in phases.items())
    if not answered:
        return Verdict.unknown(
            check,
            f"no stable right answer came ({parts or 'nothing started'})",
            limit=limit_s,
            unit="s",
        )
    if not proven:
        return Verdict.unknown(
            check,
            f"answers came after {total_s:.1f} s ({parts}), but the data is not proven: void",
            actual=total_s,
            limit=limit_s,
            unit="s",
        )
    verdict = within(check, total_s, limit_s, what="first byte fetched to stable right answers")
    return replace(verdict, message=f"{verdict.message} ({parts})")


def backup_age(created_at: datetime, at: datetime, limit_s: float) -> Verdict:
    """What had been lost, had the database died at `at`: everything since the newest backup."""
    check = "data loss"
    age_s = (at - created_at).total_seconds()
    numbers: dict[str, Any] = {"actual": round(age_s, 3), "limit": limit_s, "unit": "s"}
    if age_s < -CLOCKS_S:
        return Verdict.unknown(
            check, f"the backup is of the future ({created_at:%F %T} UTC)", **numbers
        )
    sentence = f"the newest backup is {_age(max(0.0, age_s))} old, {_age(limit_s)} are allowed"
    return Verdict(check, Outcome.PASS if age_s <= limit_s else Outcome.FAIL, sentence, **numbers)


def _age(seconds: float) -> str:
    """ "42 s", "12 min", "3.5 h", "2.0 days"."""
    for unit, length in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= (2 * length if unit == "days" else length):
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.0f} s"


def disaster_seen(injection: FaultInjection) -> Verdict:
    """A disaster that nobody saw proves nothing."""
    if injection.seen is None:
        return Verdict.unknown("disaster seen", f"{injection.what}: nobody saw it")
    return Verdict.passed(
        "disaster seen",
        f"{injection.what}: {injection.seen}",
        actual=injection.seen_after_s,
        unit="s",
    )


def data_loss(
    acknowledged: Sequence[Acknowledged],
    present: dict[str, int],
    struck_at: float,
    limit_s: float | None,
) -> Verdict:
    """From the oldest acknowledged write that is missing to the fault, in seconds.

    `present` maps record id to the value found. `limit_s` None: no acknowledged write may be lost.
    A later value than the acknowledged one is the write in flight at the fault: no loss.
    """
    check = "data loss"
    if not acknowledged:
        return Verdict.unknown(check, "no write was acknowledged before the fault")
    lost = lost_writes(acknowledged, present)
    holes = tuple(Difference(e.collection, "write", "missing", (e.id,)) for e in lost)
    loss_s = max((struck_at - write.at for write in lost), default=0.0)
    sentence = f"{len(acknowledged) - len(lost)} of {len(acknowledged)} acknowledged writes present"
    if lost:
        sentence += f"; oldest missing {loss_s:.1f} s before the fault: {lost[0].id}"
    good = not lost if limit_s is None else loss_s <= limit_s
    return Verdict(
        check,
        Outcome.PASS if good else Outcome.FAIL,
        sentence,
        actual=loss_s,
        limit=limit_s or 0.0,
        unit="s",
        differences=holes,
    )


def percentile(values: Sequence[float], rank: int) -> float | None:
    """The percentile of raw values, interpolated; None of fewer than two: silence is not speed."""
    if len(values) < 2:
        return None
    return round(quantiles(values, n=100, method="inclusive")[rank - 1], 3)


def p90_under(
    samples: Samples, limit_ms: float, *, at_least: int, check: str = "search p90"
) -> Verdict:
    """The 90th percentile of the raw samples; too few of them is UNKNOWN, an error is a FAIL."""
    got = len(samples.milliseconds)
    if samples.errors:
        return Verdict.failed(
            check,
            f"{len(samples.errors)} queries failed: {samples.errors[0]}",
            limit=limit_ms,
            unit="ms",
        )
    if got < at_least:
        return Verdict.unknown(
            check, f"{got} samples, {at_least} needed", limit=limit_ms, unit="ms"
        )
    p90 = percentile(samples.milliseconds, 90) or 0.0
    return Verdict(
        check,
        Outcome.PASS if p90 < limit_ms else Outcome.FAIL,
        f"p90 {p90:.1f} ms of {got} queries",
        actual=p90,
        limit=limit_ms,
        unit="ms",
    )


FEWEST = 20  # samples that a percentile of a just-restored store may rest on


def p90_after_restore(samples: Samples, limit_ms: float, *, when: str, wanted: int) -> Verdict:
    """`p90_under` for a store that was just restored; `when` is cold or warm."""
    check = f"search p90 {when}"
    least = max(FEWEST, wanted // 2)
    verdict = p90_under(samples, limit_ms, at_least=least, check=check)
    first = f"; the first took {samples.milliseconds[0]:.1f} ms" if samples.milliseconds else ""
    return replace(verdict, message=verdict.message + first)


def at_least(check: str, actual: float, limit: float, *, unit: str) -> Verdict:
    """`actual` reaches `limit`."""
    return Verdict(
        check,
        Outcome.PASS if actual >= limit else Outcome.FAIL,
        f"{actual:g} {unit}, at least {limit:g} expected",
        actual=actual,
        limit=limit,
        unit=unit,
    )
