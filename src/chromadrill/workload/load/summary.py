"""Raw samples -> the summary that the checks judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chromadrill.checks.load import LoadSummary
from chromadrill.workload.load.generator_stalls import (
    Stalls,
    burst_arrivals,
    fair_ms,
    is_on_time,
    stalled_s,
    stalls_of,
)
from chromadrill.workload.load.samples import LoadSample

LAST_S = 2.0  # what "at the end" of a run means
STALLED_SHARE = 0.1  # of the waiting: a hiccup takes less, and does not excuse a server


def summarise(samples: Sequence[LoadSample], scheduled: int, workers: int) -> LoadSummary:
    """What the checks judge. `samples` are merged; arrival n was worker n % workers' to make.

    The first `scheduled` arrivals must have one each. A run that was ended has some of later ones.
    """
    timed = [sample for sample in samples if sample.is_timed]
    first_bad = min(
        (sample for sample in samples if sample.outcome != "right"),
        key=lambda sample: sample.due,
        default=None,
    )
    arrived = {sample.number for sample in samples}
    missing = Counter(str(n % workers) for n in range(scheduled) if n not in arrived)
    end = max((sample.due for sample in samples), default=0.0)
    stalls = stalls_of(samples)
    burst = burst_arrivals(samples, stalls)
    outcomes = {sample.number: _outcome(sample, stalls) for sample in samples}
    return LoadSummary(
        scheduled=scheduled + sum(sample.number >= scheduled for sample in samples),
        latency_ms=[sample.latency_ms for sample in timed],
        service_ms=[sample.service_ms for sample in timed],
        fair_ms=[
            fair_ms(sample, stalls)
            for sample in timed
            if is_on_time(sample) and sample.number not in burst
        ],
        lag_ms=[1000 * (sample.started - sample.due) for sample in samples],
        outcomes=Counter(outcomes.values()),
        last=[outcomes[sample.number] for sample in samples if sample.due > end - LAST_S],
        first_error=first_bad.detail if first_bad else "",
        missing_of_worker=dict(sorted(missing.items())),
    )


def _outcome(sample: LoadSample, stalls: Stalls) -> str:
    """The sample's own; `undecided` for a timeout in which the generator stood still.

    That arrival waited for the generator, or in the burst that made up for the stall.
    """
    stalled = stalled_s(sample, stalls, since=sample.due)
    if sample.outcome == "timeout" and stalled >= STALLED_SHARE * (sample.done - sample.due):
        return "undecided"
    return sample.outcome
