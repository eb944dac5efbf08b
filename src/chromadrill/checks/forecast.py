"""What would the recovery take at the size that counts? From a few measured sizes, with an interval.

A time has a fixed part and a part that grows with the records: not slower than n, not faster than
n log n (building the index). Both are fitted. The forecast reaches from the lower end of the one to the
upper end of the other, each with its 95 % prediction interval. Growth beyond these two shows in the
slopes from size to size; the end that it contradicts is not relied on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.core.model import Outcome, Verdict

FARTHEST = 20  # times the largest size that was measured
POOR = 0.15  # spread of the measured times around the fit, as a share of their mean
LARGEST = 10**9
LEAST = 0.01  # of a slope: what two of them may differ by, however small the spread of the repeats
# Student's t, 97.5 %, by degrees of freedom from 1 on
_T = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)

Seconds = Callable[[float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class EmbeddingRate:
    """Seconds a document of the wanted length, the fastest and the slowest batch; 0 for none."""

    fastest_s: float = 0.0
    slowest_s: float = 0.0


def forecast(
    check: str,
    measured: Sequence[tuple[int, float]],
    records: int,
    limit_s: float,
    *,
    embedding: EmbeddingRate = EmbeddingRate(),
) -> Verdict:
    """PASS where all of the interval is within the limit, FAIL where none is, else UNKNOWN.

    `measured`: (records, seconds), three sizes at least; without the embedding, which is added.
    UNKNOWN too where the fit is poor, `records` is more than 20 times the largest size, or the times
    grow faster than n log n (for PASS) or slower than n (for FAIL).
    """
    sizes = sorted({n for n, _ in measured})
    if len(sizes) < 3 or len(measured) < 4:
        return Verdict.unknown(check, f"{len(sizes)} sizes were measured, 3 are needed")
    if records > FARTHEST * sizes[-1]:
        distance = f"{records:,} records are more than {FARTHEST} times the {sizes[-1]:,} measured"
        return Verdict.unknown(check, f"{distance}: measure larger ones ([forecast] sizes)")
    linear, loglinear = _fit(measured, _n), _fit(measured, _n_log_n)
    if linear is None or loglinear is None:
        return Verdict.unknown(
            check, f"the times do not follow the sizes: {_listing(measured)}; other work beside it?"
        )

    def seconds(n: float) -> tuple[float, float]:
        low = linear(n)[0] + n * embedding.fastest_s
        return max(0.0, low), loglinear(n)[1] + n * embedding.slowest_s

    low, high = seconds(records)
    crossed = _size_at_limit(seconds, limit_s)
    sentence = f"at {records:,} records: {low / 60:.1f}-{high / 60:.1f} min of {limit_s / 60:g}"
    sentence += (
        f"; the limit is reached at about {crossed:,}" if crossed else "; the limit is far beyond"
    )
    faster = any(_bends(measured, _n_log_n, upwards=True))
    slower = any(_bends(measured, _n, upwards=False))
    sentence += "; the times grow faster than n log n: it may be more" if faster else ""
    sentence += "; the times grow slower than n: it may be less" if slower else ""
    outcome = Outcome.UNKNOWN
    if high <= limit_s and not faster:
        outcome = Outcome.PASS
    elif low > limit_s and not slower:
        outcome = Outcome.FAIL
    return Verdict(
        check,
        outcome,
        f"{sentence} (measured: {_listing(measured)})",
        actual=round(high, 1),
        limit=limit_s,
        unit="s",
    )


def _n(n: float) -> float:
    return n


def _n_log_n(n: float) -> float:
    return n * math.log2(max(n, 2))


def _fit(measured: Sequence[tuple[int, float]], grows: Callable[[float], float]) -> Seconds | None:
    """Least squares of a fixed and a growing part; None where that does not describe the times."""
    x = np.array([grows(n) for n, _ in measured])
    y = np.array([seconds for _, seconds in measured])
    slope, fixed = (float(coefficient) for coefficient in np.polyfit(x, y, 1))
    free = len(x) - 2
    spread = math.sqrt(float(((y - fixed - slope * x) ** 2).sum()) / free)
    if slope <= 0 or spread > POOR * float(y.mean()):
        return None
    middle, width = float(x.mean()), float(((x - x.mean()) ** 2).sum())
    t = _T[min(free, len(_T)) - 1]

    def interval(n: float) -> tuple[float, float]:
        at = grows(n)
        reach = t * spread * math.sqrt(1 + 1 / len(x) + (at - middle) ** 2 / width)
        return fixed + slope * at - reach, fixed + slope * at + reach

    return interval


def _bends(
    measured: Sequence[tuple[int, float]], grows: Callable[[float], float], *, upwards: bool
) -> Iterator[bool]:
    """For three sizes in a row: does the slope change beyond what the repeats of a size explain?

    Upwards by one standard error: that would be a wrong PASS. Downwards at 95 %.
    """
    times = {n: [s for size, s in measured if size == n] for n in sorted({n for n, _ in measured})}
    means = {n: sum(repeats) / len(repeats) for n, repeats in times.items()}
    free = len(measured) - len(times)
    off = sum((s / means[n] - 1) ** 2 for n, repeats in times.items() for s in repeats)
    share = math.sqrt(off / free) if free else 0.0  # of its time, one repeat is off by
    error = {n: share * means[n] / math.sqrt(len(repeats)) for n, repeats in times.items()}
    sizes = list(times)
    for a, b, c in zip(sizes, sizes[1:], sizes[2:], strict=False):
        first_gap, second_gap = grows(b) - grows(a), grows(c) - grows(b)
        first, second = (means[b] - means[a]) / first_gap, (means[c] - means[b]) / second_gap
        weights = ((a, 1 / first_gap), (b, 1 / first_gap + 1 / second_gap), (c, 1 / second_gap))
        unsure = math.sqrt(sum((weight * error[n]) ** 2 for n, weight in weights))
        least = LEAST * max(abs(first), abs(second))
        if upwards:
            yield second - first > max(unsure, least)
        else:
            yield first - second > max(_T[min(max(free, 1), len(_T)) - 1] * unsure, least)


def _size_at_limit(seconds: Seconds, limit_s: float) -> int | None:
    """The size whose forecast has the limit in its middle, to two digits; None beyond 10^9."""
    low, high = 1.0, float(LARGEST)
    if sum(seconds(high)) / 2 <= limit_s:
        return None
    while high - low > max(1.0, low / 1000):
        half = (low + high) / 2
        low, high = (low, half) if sum(seconds(half)) / 2 > limit_s else (half, high)
    digits = int(10 ** max(0, len(str(int(low))) - 2))
    return int(round(low / digits) * digits)


def _listing(measured: Sequence[tuple[int, float]]) -> str:
    return ", ".join(f"{n:,} in {seconds:.1f} s" for n, seconds in sorted(measured))
