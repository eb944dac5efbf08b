"""Is it slower than the accepted baseline, beyond its own scatter? Was every query in time?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chromadrill.checks.objectives import percentile
from chromadrill.model import Outcome, Samples, Verdict

RANKS = (10, 90)
# What repeats on fresh servers differ by, beyond which it is no noise: measured by
# `python -m benchmarks.latency` (docs/latency.md).
FOUND = 0.5  # of those that could be decided
BAND = {"p10": 1.4, "p90": 1.8}


def ratios(milliseconds: Sequence[float], yardstick_ms: Sequence[float]) -> dict[str, float]:
    """p10 and p90 over the yardstick's median of the same rounds; none of fewer than two samples."""
    yard = percentile(yardstick_ms, 50)
    found = {f"p{rank}": percentile(milliseconds, rank) for rank in RANKS}
    return {name: round(p / yard, 4) for name, p in found.items() if p is not None and yard}


def judge_trend(series: str, now: Mapping[str, float], accepted: Mapping[str, float]) -> Verdict:
    """`now` and `accepted` are `ratios`. Beyond the band in either percentile is FAIL."""
    check = f"latency trend: {series}"
    if not now or set(now) != set(accepted):
        return Verdict.unknown(check, "too few samples to compare, now or in the baseline")
    grown = {name: now[name] / accepted[name] for name in BAND}
    worst = max(grown, key=lambda name: grown[name] / BAND[name])
    told = ", ".join(f"{name} x {grown[name]:.2f} (band {BAND[name]:g})" for name in BAND)
    return Verdict(
        check,
        Outcome.FAIL if grown[worst] > BAND[worst] else Outcome.PASS,
        f"against the accepted baseline, both in units of the yardstick: {told}",
        actual=round(grown[worst], 3),
        limit=BAND[worst],
        unit="x",
    )


def every_under(check: str, samples: Samples, limit_ms: float, *, at_least: int) -> Verdict:
    """Each single sample is under the limit: too few of them is UNKNOWN, an error is a FAIL."""
    numbers: dict[str, Any] = {"limit": limit_ms, "unit": "ms"}
    got = len(samples.milliseconds)
    if samples.errors:
        count = len(samples.errors)
        return Verdict.failed(check, f"{count} failed or wrong: {samples.errors[0]}", **numbers)
    if got < max(1, at_least):
        return Verdict.unknown(check, f"{got} samples, {max(1, at_least)} needed", **numbers)
    slowest = max(samples.milliseconds)
    late = sum(each >= limit_ms for each in samples.milliseconds)
    return Verdict(
        check,
        Outcome.FAIL if late else Outcome.PASS,
        f"slowest {slowest:.1f} ms of {got}"
        + (f", {late} over the limit" if late else "")
        + "".join(
            f", p{rank} {at:.1f} ms"
            for rank in (50, 90, 95, 99)
            if (at := percentile(samples.milliseconds, rank)) is not None
        ),
        actual=round(slowest, 3),
        **numbers,
    )


def found_themselves(tried: int, right: int, missed: Sequence[str]) -> Verdict:
    """Records are found by their own vectors. An approximate index may miss a few, not every second.

    Those that are hidden by equal vectors are neither right nor missed. None tried: UNKNOWN.
    """
    check = "own records found"
    decided = right + len(missed)
    if not decided:
        return Verdict.unknown(check, f"of {tried} records none could be asked for")
    sentence = f"{right} of {decided} records are among the nearest to themselves"
    if missed:
        sentence += f"; not e.g. {missed[0]}"
    return Verdict(
        check,
        Outcome.PASS if right >= FOUND * decided else Outcome.FAIL,
        sentence,
        actual=right,
        limit=FOUND * decided,
        unit="records",
    )
