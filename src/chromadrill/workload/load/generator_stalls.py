"""Stalls of the load generator itself: arrivals started late though nothing was in their way.

The time that an open request lost to a stall is not the server's doing. It is subtracted before the
server is called slow.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from chromadrill.checks.load import LAG_MS
from chromadrill.workload.load.samples import LoadSample

LATE_S = LAG_MS / 1000  # below this it is the clock of a busy machine
BURST_S = 1.0  # a stall as long as that is followed by a burst that others queue behind

Stalls = dict[int, list[tuple[float, float]]]  # by worker: from, to, ascending, apart


def stalls_of(samples: Sequence[LoadSample]) -> Stalls:
    """Stretches in which an arrival was due and its worker did nothing at all.

    A worker that is late but busy has no stalls: its time then counts as the server's.
    """
    events: dict[int, list[float]] = defaultdict(list)
    due: dict[int, list[float]] = defaultdict(list)
    for sample in samples:
        events[sample.worker] += (sample.started, sample.done)
        due[sample.worker].append(sample.due)
    return {worker: _quiet(sorted(events[worker]), sorted(due[worker])) for worker in due}


def _quiet(events: Sequence[float], due: Sequence[float]) -> list[tuple[float, float]]:
    """Gaps between events from the first arrival that was due in them."""
    gaps = []
    for before, after in pairwise(events):
        first = bisect_right(due, before)
        if first < len(due) and after - due[first] > LATE_S:
            gaps.append((due[first], after))
    return gaps


def is_on_time(sample: LoadSample) -> bool:
    """Whether the arrival started when it was due. One that makes up for a stall did not."""
    return sample.started - sample.due <= LATE_S


def burst_arrivals(samples: Sequence[LoadSample], stalls: Stalls) -> set[int]:
    """Numbers of the arrivals due from the begin of a long stall until all it held up is done."""
    numbers: set[int] = set()
    ordered = sorted(samples, key=lambda sample: sample.due)
    due = [sample.due for sample in ordered]
    for worker, own_stalls in stalls.items():
        for start, end in own_stalls:
            if end - start < BURST_S:
                continue
            first = bisect_left(due, start)
            held_up = ordered[first : bisect_right(due, end)]
            last_done = max(sample.done for sample in held_up if sample.worker == worker)
            behind = ordered[first : bisect_left(due, last_done)]
            numbers.update(sample.number for sample in behind)
    return numbers


def fair_ms(sample: LoadSample, stalls: Stalls) -> float:
    """The service time less what its own worker's stalls took of it, in milliseconds."""
    stalled = stalled_s(sample, stalls, since=sample.started)
    return 1000 * (sample.done - sample.started - stalled)


def stalled_s(sample: LoadSample, stalls: Stalls, *, since: float) -> float:
    """Seconds from `since` to the sample's end in which its own worker stood still."""
    own_stalls = stalls.get(sample.worker, [])
    seconds = 0.0
    for start, end in own_stalls[max(0, bisect_left(own_stalls, (since,)) - 1) :]:
        if start >= sample.done:
            break
        seconds += max(0.0, min(end, sample.done) - max(start, since))
    return seconds
