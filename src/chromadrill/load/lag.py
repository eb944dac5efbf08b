"""When the generator itself stood still: arrivals started late though nothing was in their way.

What an open request lost to that is not the server's doing, so it is taken off before a server is
called slow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from chromadrill.load.samples import Sample

LATE_S = 0.05  # below this it is the clock of a busy machine

Stalls = dict[int, list[tuple[float, float]]]  # by worker: from, to, ascending, apart


def stalls(samples: Sequence[Sample]) -> Stalls:
    """Stretches in which an arrival was due and its worker did nothing at all.

    A worker that is late but busy has no stalls: then what the server took stays the server's.
    """
    events: dict[int, list[float]] = defaultdict(list)
    for each in samples:
        events[each.worker] += (each.started, each.done)
    for times in events.values():
        times.sort()
    found: Stalls = defaultdict(list)
    for each in sorted(samples, key=lambda sample: (sample.started, sample.due)):
        times = events[each.worker]
        before = bisect_left(times, each.started)
        begin = max(each.due, times[before - 1]) if before else each.due
        mine = found[each.worker]
        if each.started - begin > LATE_S and not (mine and mine[-1][1] == each.started):
            mine.append((begin, each.started))
    return found


def fair_ms(sample: Sample, found: Stalls) -> float:
    """The service time less what its own worker's stalls took of it, in milliseconds."""
    mine = found.get(sample.worker, [])
    lost = 0.0
    for start, end in mine[max(0, bisect_left(mine, (sample.started,)) - 1) :]:
        if start >= sample.done:
            break
        lost += max(0.0, min(end, sample.done) - max(start, sample.started))
    return 1000 * (sample.done - sample.started - lost)
