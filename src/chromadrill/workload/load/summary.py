"""Raw samples -> the facts that the checks judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chromadrill.checks.load import LoadFacts
from chromadrill.workload.load.generator_stalls import (
    Stalls,
    fair_ms,
    in_burst,
    lost_s,
    on_time,
    stalls,
)
from chromadrill.workload.load.samples import Sample

LAST_S = 2.0  # what "at the end" of a run means
STOOD = 0.1  # of the waiting: a hiccup takes less, and does not excuse a server


def facts(samples: Sequence[Sample], scheduled: int, workers: int) -> LoadFacts:
    """What the checks judge. `samples` are merged; arrival n was worker n % workers' to make.

    The first `scheduled` arrivals must have one each. A run that was ended has some of later ones.
    """
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
    burst = in_burst(samples, late)
    outcomes = {each.number: _outcome(each, late) for each in samples}
    return LoadFacts(
        scheduled=scheduled + sum(each.number >= scheduled for each in samples),
        latency_ms=[each.latency_ms for each in timed],
        service_ms=[each.service_ms for each in timed],
        fair_ms=[
            fair_ms(each, late) for each in timed if on_time(each) and each.number not in burst
        ],
        lag_ms=[1000 * (each.started - each.due) for each in samples],
        outcomes=Counter(outcomes.values()),
        last=[outcomes[each.number] for each in samples if each.due > end - LAST_S],
        first_error=bad.detail if bad else "",
        missing_of_worker=dict(sorted(missing.items())),
    )


def _outcome(sample: Sample, late: Stalls) -> str:
    """A timeout says nothing of the server if the generator stood still since it was due: then it
    waited for the generator, or in the burst that made up for it."""
    waited = sample.done - sample.due
    if sample.outcome == "timeout" and lost_s(sample, late, since=sample.due) >= STOOD * waited:
        return "undecided"
    return sample.outcome
