"""From the ticks of the prober to windows: what a client saw, and for how long. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.model import ClientView, Sight, Window

STABLE = 3  # right answers in a row that count as "it answers"
# a tick later than this left a hole that no neighbour can speak for
UNWATCHED_S = 1.0


def windows(sights: Sequence[Sight]) -> list[Window]:
    """Stretches of equal results, oldest first, each up to the next: no gaps between them.

    A stretch lasts until the tick after it was due; where that tick began more than a second late,
    or nothing was due for as long, the time between is `unwatched`.
    """
    found: list[Window] = []
    last: float | None = None
    for sight in sights:
        begun = sight.due + sight.late_s
        if last is not None and begun - last > UNWATCHED_S:
            found += [Window(last, begun, "unwatched"), Window(begun, sight.done, sight.result)]
        else:
            _join(found, Window(sight.due, sight.done, sight.result))
        last = sight.done
    return found


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
    """When the first of three right answers in a row was done, all asked after `since`.

    Monotonic seconds; None: not yet.
    """
    row: list[Sight] = []
    for sight in sights:
        if sight.due < since or sight.result != "right":
            row = []
            continue
        row.append(sight)
        if len(row) == STABLE:
            return row[0].done
    return None
