"""From the ticks of the prober to windows: what a client saw, and for how long. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.core.model import ClientView, Sight, Window

STABLE = 3  # right answers in a row that count as "it answers"
# a tick later than this left a hole that no neighbour can speak for
UNWATCHED_S = 1.0
# nor does a tick speak for the time it took, where that is longer than any server can make it
LONGEST_S = 8.0


def windows(sights: Sequence[Sight]) -> list[Window]:
    """Stretches of equal results, oldest first, each up to the next: no gaps between them.

    A stretch lasts until the tick after it was due; where that tick began more than a second late,
    or nothing was due for as long, the time between is `unwatched`. So is a tick that took longer
    than its own deadlines allow: the prober itself was held up in it.
    """
    found: list[Window] = []
    last: float | None = None
    for sight in sights:
        begun = sight.due + sight.late_s
        if last is not None and begun - last > UNWATCHED_S:
            found += [Window(last, begun, "unwatched"), Window(begun, sight.done, _result(sight))]
        else:
            _join(found, Window(sight.due, sight.done, _result(sight)))
        last = sight.done
    return found


def _result(sight: Sight) -> str:
    return "unwatched" if sight.done - sight.due - sight.late_s > LONGEST_S else sight.result


def _join(found: list[Window], new: Window) -> None:
    if found:
        before = found.pop()
        if before.result == new.result:
            found.append(Window(before.begin, new.end, new.result))
            return
        found.append(Window(before.begin, max(before.begin, new.begin), before.result))
    found.append(new)


def view(sights: Sequence[Sight], begin: float, end: float) -> ClientView:
    """What was seen between two moments; before the first tick and after the last nobody looked."""
    seen = windows(sights)
    first, last = (seen[0].begin, seen[-1].end) if seen else (end, end)
    whole = [Window(min(begin, first), first, "unwatched"), *seen]
    if end - last > UNWATCHED_S:
        whole.append(Window(last, end, "unwatched"))
    elif seen:
        whole[-1] = Window(seen[-1].begin, max(last, end), seen[-1].result)
    cut = (Window(max(w.begin, begin), min(w.end, end), w.result) for w in whole)
    return ClientView(begin, end, tuple(w for w in cut if w.end > w.begin))


def stable_since(sights: Sequence[Sight], since: float) -> float | None:
    """When right answers began that have not stopped since, three at least, asked after `since`.

    Right answers that came and went again before that are no recovery. Monotonic seconds; None: not
    yet.
    """
    row: list[Sight] = []
    for sight in sights:
        if sight.due < since or _result(sight) != "right":
            row = []
        else:
            row.append(sight)
    return row[0].done if len(row) >= STABLE else None
