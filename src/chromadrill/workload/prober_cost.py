"""What the prober itself costs: an instrument that slows what it measures has to say so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.core.model import JSON, ProbeResult


@dataclass(frozen=True, slots=True)
class ProberCost:
    """The cost of one watch.

    `start_s`: processor time up to the end of the first tick, imports and all. `share`: processor
    time of the later ticks, as a part of what `cores` could give meanwhile. `late_*_ms`: how long
    after it was due a tick began.
    """

    ticks: int
    cores: int
    start_s: float
    share: float
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float

    def to_json(self) -> JSON:
        return {
            "ticks": self.ticks,
            "cores": self.cores,
            "start_s": round(self.start_s, 3),
            "share_percent": round(100 * self.share, 2),
            "late_p50_ms": round(self.late_p50_ms, 2),
            "late_p99_ms": round(self.late_p99_ms, 2),
            "late_max_ms": round(self.late_max_ms, 2),
        }


def prober_cost(results: Sequence[ProbeResult], cores: int | None = None) -> ProberCost | None:
    """The cost by what the ticks say; None for fewer than two ticks. `cores`: default this machine's."""
    if len(results) < 2:
        return None
    cores = cores or _usable_cores()
    first, last = results[0], results[-1]
    late_ms = [1000 * result.late_s for result in results]
    p50, p99 = np.percentile(late_ms, [50, 99])
    return ProberCost(
        ticks=len(results),
        cores=cores,
        start_s=first.cpu_s,
        share=(last.cpu_s - first.cpu_s) / ((last.done - first.done) * cores),
        late_p50_ms=float(p50),
        late_p99_ms=float(p99),
        late_max_ms=max(late_ms),
    )


def _usable_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
