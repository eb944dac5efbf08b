"""Is it slower than the accepted baseline, beyond its own scatter? Was every query in time?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chromadrill.checks.objectives import percentile
from chromadrill.core.model import Outcome, Samples, Verdict

RANKS = (10, 25, 50, 90)
MISSED, MISSED_SHARE = 3, 0.01  # records an approximate index may miss: the larger of both
FEWEST_UNREACHED = 20  # so many and none right: that is no index
FAR_BEYOND = 2.0  # bands: that much no busy machine hides
# What repeats on fresh servers differed by, beyond which it is no noise, and how far the p90 of
# the reference workload may be above its median for tails to be compared at all: measured by
# `python -m benchmarks.latency` (docs/guides/latency.md).
BUSY = 1.5
BAND_LOW = 1.25
BAND_LOW_BUSY = 1.5
BAND_P90 = 2.25


def percentiles(milliseconds: Sequence[float], yardstick_ms: Sequence[float]) -> dict[str, float]:
    """What a baseline keeps of a series: p10, p25, p50 and p90 of it and of its reference workload.

    None of fewer than two samples.
    """
    ranks: dict[str, float] = {}
    for prefix, values in (("p", milliseconds), ("yardstick_p", yardstick_ms)):
        for rank in RANKS:
            value = percentile(values, rank)
            if value is None or not 0 < value < math.inf:
                return {}
            ranks[f"{prefix}{rank}"] = value
    return ranks


def busy(measured: Mapping[str, float]) -> bool:
    """Whether other work on the machine stretched the reference workload so that tails say nothing."""
    return measured["yardstick_p90"] > BUSY * measured["yardstick_p50"]


def judge_trend(
    series: str, now: Mapping[str, float], accepted: Mapping[str, float]
) -> tuple[Verdict, Verdict]:
    """Two verdicts on `percentiles`: of the low percentiles, and of p90. Beyond its band is FAIL.

    A regression shifts the low percentiles, p10 as well as p25. Other work on the machine hardly
    does: it stretches p90, and the reference workload's p90 too. Where it did so in either run, tails
    say little. Then p90 is `not_run`, or UNKNOWN beyond twice its band, and the band of the low
    percentiles is wider.
    """
    check = f"latency trend: {series}"
    if not now or set(now) != set(accepted):
        few = "too few samples to compare, now or in the baseline"
        return Verdict.unknown(check, few), Verdict.unknown(f"{check} p90", few)

    def grown(rank: str, yard: str) -> float:
        """Growth in units of the reference workload: a machine that became slower is no regression."""
        return (now[rank] / now[yard]) / (accepted[rank] / accepted[yard])

    low = min(grown("p10", "yardstick_p10"), grown("p25", "yardstick_p25"))
    p90 = min(grown("p90", "yardstick_p50"), grown("p90", "yardstick_p90"))
    low_check = _grown(check, "p10 and p25", low, BAND_LOW)
    if busy(now) or busy(accepted):
        when = "this run" if busy(now) else "the baseline"
        message = (
            f"the machine was busy in {when}: the reference workload's own p90"
            f" is over {BUSY:g} medians"
        )
        low_check = _grown(check, "p10 and p25", low, BAND_LOW_BUSY)
        if p90 <= FAR_BEYOND * BAND_P90:
            return low_check, Verdict.not_run(f"{check} p90", message)
        message = f"p90 x {p90:.2f} of the accepted baseline, band {BAND_P90:g}; {message}"
        return low_check, Verdict.unknown(
            f"{check} p90", message, actual=round(p90, 3), limit=BAND_P90, unit="x"
        )
    return low_check, _grown(f"{check} p90", "p90", p90, BAND_P90)


def _grown(check: str, percentile_names: str, grown: float, band: float) -> Verdict:
    return Verdict(
        check,
        Outcome.PASS if grown <= band else Outcome.FAIL,  # a growth that is no number is no PASS
        f"{percentile_names} x {grown:.2f} of the accepted baseline, in units of the reference workload;"
        f" band {band:g}",
        actual=round(grown, 3),
        limit=band,
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
    late = sum(value >= limit_ms for value in samples.milliseconds)
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


def finds_own_records(
    tried: int,
    right: int,
    missed: Sequence[str],
    *,
    unreached: int = 0,
    check: str = "own records found",
) -> Verdict:
    """Records are found by questions whose answer they are, most often their own vectors.

    An index may miss the larger of 1 % and 3, never more than half. Those that are hidden by equal
    vectors are neither right nor missed, nor are the `unreached`, which are in the index: how many of
    them its search reaches differs from index to index. None tried: UNKNOWN. None right of many: FAIL.
    """
    decided = right + len(missed)
    if not right and unreached >= FEWEST_UNREACHED:
        message = f"of {unreached} records none is reached by its own vector; all are in the index"
        return Verdict.failed(check, message, actual=0, unit="records")
    if not decided:
        return Verdict.unknown(check, f"of {tried} records none could be asked for")
    sentence = f"{right} of {decided} questions find their record among the nearest"
    if missed:
        sentence += f"; not e.g. {missed[0]}"
    if unreached:
        sentence += f"; {unreached} more are in the index, and its search does not reach them"
    least = decided - min(max(MISSED, math.floor(MISSED_SHARE * decided)), decided // 2)
    return Verdict(
        check,
        Outcome.PASS if right >= least else Outcome.FAIL,
        sentence,
        actual=right,
        limit=least,
        unit="records",
    )
