"""From single results to windows: what a client saw, and for how long. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.core.model import ClientView, ProbeResult, Window

STABLE = 3  # right answers in a row that count as "it answers"
# a tick later than this left a hole that no neighbour can speak for
UNWATCHED_S = 1.0
# nor does a tick speak for the time it took, where that is longer than any server can make it
LONGEST_S = 8.0


def windows(probe_results: Sequence[ProbeResult]) -> list[Window]:
    """Stretches of equal results, oldest first, each up to the next: no gaps between them.

    A stretch lasts until the tick after it was due. Where that tick began more than a second late,
    or nothing was due for as long, the time between is `unwatched`. So is a tick that took longer
    than its own deadlines allow: the prober itself was held up in it.
    """
    stretches: list[Window] = []
    last_done: float | None = None
    for probe_result in probe_results:
        begun = probe_result.due + probe_result.late_s
        if last_done is not None and begun - last_done > UNWATCHED_S:
            stretches += [
                Window(last_done, begun, "unwatched"),
                Window(begun, probe_result.done, _result(probe_result)),
            ]
        else:
            new = Window(probe_result.due, probe_result.done, _result(probe_result))
            add_window(stretches, new)
        last_done = probe_result.done
    return stretches


def add_window(stretches: list[Window], new: Window) -> None:
    """Append `new`; the stretch before it grows if its result is the same, else it ends there."""
    if stretches:
        before = stretches.pop()
        if before.result == new.result:
            stretches.append(Window(before.begin, new.end, new.result))
            return
        stretches.append(Window(before.begin, max(before.begin, new.begin), before.result))
    stretches.append(new)


def _result(probe_result: ProbeResult) -> str:
    return (
        "unwatched"
        if probe_result.done - probe_result.due - probe_result.late_s > LONGEST_S
        else probe_result.result
    )


def view(probe_results: Sequence[ProbeResult], begin: float, end: float) -> ClientView:
    """What was seen between two moments; before the first tick and after the last nobody looked."""
    stretches = windows(probe_results)
    first, last = (stretches[0].begin, stretches[-1].end) if stretches else (end, end)
    whole = [Window(min(begin, first), first, "unwatched"), *stretches]
    if end - last > UNWATCHED_S:
        whole.append(Window(last, end, "unwatched"))
    elif stretches:
        whole[-1] = Window(stretches[-1].begin, max(last, end), stretches[-1].result)
    cut = (Window(max(w.begin, begin), min(w.end, end), w.result) for w in whole)
    return ClientView(begin, end, tuple(w for w in cut if w.end > w.begin))


def stable_since(probe_results: Sequence[ProbeResult], since: float) -> float | None:
    """When right answers began that have not stopped since, three at least, asked after `since`.

    Right answers that came and went again before that are no recovery. Monotonic seconds; None: not
    yet.
    """
    row: list[ProbeResult] = []
    for probe_result in probe_results:
        if probe_result.due < since or _result(probe_result) != "right":
            row = []
        else:
            row.append(probe_result)
    return row[0].done if len(row) >= STABLE else None
