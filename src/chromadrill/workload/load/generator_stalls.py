"""When the generator itself stood still: arrivals started late though nothing was in their way.

What an open request lost to that is not the server's doing, so it is taken off before a server is
called slow.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from chromadrill.checks.load import LAG_MS
from chromadrill.workload.load.samples import Sample

LATE_S = LAG_MS / 1000  # below this it is the clock of a busy machine
BURST_S = 1.0  # a stall as long as that is followed by a burst that others queue behind

Stalls = dict[int, list[tuple[float, float]]]  # by worker: from, to, ascending, apart


def stalls(samples: Sequence[Sample]) -> Stalls:
    """Stretches in which an arrival was due and its worker did nothing at all.

    A worker that is late but busy has no stalls: then what the server took stays the server's.
    """
    events: dict[int, list[float]] = defaultdict(list)
    due: dict[int, list[float]] = defaultdict(list)
    for each in samples:
        events[each.worker] += (each.started, each.done)
        due[each.worker].append(each.due)
    return {worker: _quiet(sorted(events[worker]), sorted(due[worker])) for worker in due}


def _quiet(events: Sequence[float], due: Sequence[float]) -> list[tuple[float, float]]:
    """Gaps between events from the first arrival that was due in them."""
    found = []
    for before, after in pairwise(events):
        first = bisect_right(due, before)
        if first < len(due) and after - due[first] > LATE_S:
            found.append((due[first], after))
    return found


def on_time(sample: Sample) -> bool:
    """Not so of a burst that makes up for a stall: its queue is the generator's doing."""
    return sample.started - sample.due <= LATE_S


def in_burst(samples: Sequence[Sample], found: Stalls) -> set[int]:
    """Arrivals due from the begin of a long stall until all that it held up is done."""
    numbers: set[int] = set()
    ordered = sorted(samples, key=lambda each: each.due)
    due = [each.due for each in ordered]
    for worker, mine in found.items():
        for start, end in mine:
            if end - start < BURST_S:
                continue
            first = bisect_left(due, start)
            held = ordered[first : bisect_right(due, end)]
            last = max(each.done for each in held if each.worker == worker)
            numbers.update(each.number for each in ordered[first : bisect_left(due, last)])
    return numbers


def fair_ms(sample: Sample, found: Stalls) -> float:
    """The service time less what its own worker's stalls took of it, in milliseconds."""
    return 1000 * (sample.done - sample.started - lost_s(sample, found, since=sample.started))


def lost_s(sample: Sample, found: Stalls, *, since: float) -> float:
    """Seconds from `since` to the sample's end in which its own worker stood still."""
    mine = found.get(sample.worker, [])
    lost = 0.0
    for start, end in mine[max(0, bisect_left(mine, (since,)) - 1) :]:
        if start >= sample.done:
            break
        lost += max(0.0, min(end, sample.done) - max(start, since))
    return lost
