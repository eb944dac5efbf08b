"""Raw samples -> the facts that the checks judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chromadrill.checks.load import Seen
from chromadrill.load.lag import fair_ms, on_time, stalls
from chromadrill.load.samples import Sample

LAST_S = 2.0  # what "at the end" of a run means


def facts(samples: Sequence[Sample], scheduled: int, workers: int) -> Seen:
    """What the checks judge. `samples` are merged; arrival n was worker n % workers' to make."""
    timed = [each for each in samples if each.timed]
    bad = min(
        (each for each in samples if each.outcome != "right"),
        key=lambda each: each.due,
        default=None,
    )
    there = {each.number for each in samples}
    missing = Counter(str(n % workers) for n in range(scheduled) if n not in there)
    end = max((each.due for each in samples), default=0.0)
    late = stalls(samples)
    return Seen(
        scheduled=scheduled,
        latency_ms=[each.latency_ms for each in timed],
        service_ms=[each.service_ms for each in timed],
        fair_ms=[fair_ms(each, late) for each in timed if on_time(each)],
        lag_ms=[1000 * (each.started - each.due) for each in samples],
        outcomes=Counter(each.outcome for each in samples),
        last=[each.outcome for each in samples if each.due > end - LAST_S],
        first_trouble=bad.detail if bad else "",
        missing_of_worker=dict(sorted(missing.items())),
    )
