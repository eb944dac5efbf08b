"""What would the recovery take at the size that counts? From a few measured sizes, with an interval.

The time of a size is a fixed part and one that grows with the records: not slower than n, not faster
than n log n (building the index). Both are fitted; the forecast reaches from the lower end of the
one to the upper end of the other, each with its 95 % prediction interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.model import Outcome, Verdict

FARTHEST = 20  # times the largest size that was measured
POOR = 0.15  # spread of the measured times around the fit, as a share of their mean
LARGEST = 10**9
# Student's t, 97.5 %, by degrees of freedom from 1 on
_T = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)

Seconds = Callable[[float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Seconds a document of the wanted length, the fastest and the slowest batch; 0 for none."""

    fastest_s: float = 0.0
    slowest_s: float = 0.0


def forecast(
    check: str,
    measured: Sequence[tuple[int, float]],
    records: int,
    limit_s: float,
    *,
    embedding: Embedding = Embedding(),
) -> Verdict:
    """PASS where all of the interval is within the limit, FAIL where none is, else UNKNOWN.

    `measured`: (records, seconds), three sizes at least; without the embedding, which is added.
    UNKNOWN too where the fit is poor or `records` is more than 20 times the largest size.
    """
    sizes = sorted({n for n, _ in measured})
    if len(sizes) < 3 or len(measured) < 4:
        return Verdict.unknown(check, f"{len(sizes)} sizes were measured, 3 are needed")
    if records > FARTHEST * sizes[-1]:
        said = f"{records:,} records are more than {FARTHEST} times the {sizes[-1]:,} measured"
        return Verdict.unknown(check, f"{said}: measure larger ones ([forecast] sizes)")
    linear, loglinear = _fit(measured, _n), _fit(measured, _n_log_n)
    if linear is None or loglinear is None:
        return Verdict.unknown(
            check, f"the times do not follow the sizes: {_shown(measured)}; other work beside it?"
        )

    def seconds(n: float) -> tuple[float, float]:
        low = linear(n)[0] + n * embedding.fastest_s
        return max(0.0, low), loglinear(n)[1] + n * embedding.slowest_s

    low, high = seconds(records)
    crossed = _crossed(seconds, limit_s)
    sentence = f"at {records:,} records: {low / 60:.1f}-{high / 60:.1f} min of {limit_s / 60:g}"
    sentence += (
        f"; the limit is reached at about {crossed:,}" if crossed else "; the limit is far beyond"
    )
    outcome = Outcome.PASS if high <= limit_s else Outcome.UNKNOWN
    return Verdict(
        check,
        Outcome.FAIL if low > limit_s else outcome,
        f"{sentence} (measured: {_shown(measured)})",
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
    slope, fixed = (float(each) for each in np.polyfit(x, y, 1))
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


def _crossed(seconds: Seconds, limit_s: float) -> int | None:
    """The size whose forecast has the limit in its middle, to two digits; None beyond 10^9."""
    low, high = 1.0, float(LARGEST)
    if sum(seconds(high)) / 2 <= limit_s:
        return None
    while high - low > max(1.0, low / 1000):
        half = (low + high) / 2
        low, high = (low, half) if sum(seconds(half)) / 2 > limit_s else (half, high)
    digits = int(10 ** max(0, len(str(int(low))) - 2))
    return int(round(low / digits) * digits)


def _shown(measured: Sequence[tuple[int, float]]) -> str:
    return ", ".join(f"{n:,} in {seconds:.1f} s" for n, seconds in sorted(measured))
