"""One scenario on a time axis: its steps, what clients saw, the fault and the recovery."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from chromadrill.core.model import JSON
from chromadrill.evidence.report import formatting
from chromadrill.evidence.report.svg_helpers import patterns, percent, picture, text

Span = tuple[float, float, JSON]  # start, seconds, phase
ClientWindow = tuple[float, float, str]  # from, to, result
Mark = tuple[float, str, str]  # moment, name, class of the line
CLIENT = {"right": "R", "wrong": "W", "error": "E", "timeout": "T", "unwatched": "U"}


def spans(scenario: JSON) -> list[Span]:
    """Phases as (start, seconds, phase); without a start each begins where the last one ended."""
    bars, at = [], 0.0
    for phase in formatting.rows(scenario, "phases"):
        start, long = (
            formatting.number(phase.get("start_s")),
            formatting.number(phase.get("seconds")) or 0.0,
        )
        at = at if start is None else start
        bars.append((at, long, phase))
        at += long
    return bars


def windows(scenario: JSON) -> list[ClientWindow]:
    """What clients saw, as (from, to, result)."""
    client_windows = []
    for window in formatting.rows(scenario, "client"):
        start, end = formatting.number(window.get("from_s")), formatting.number(window.get("to_s"))
        if start is not None and end is not None and end >= start:
            client_windows.append((start, end, str(window.get("result"))))
    return client_windows


def outage(scenario: JSON) -> str:
    """ "9.9 s (6.1 s error, 3.8 s wrong)": what clients saw between fault and recovery.

    The client stops asking before the drill restarts the server once more for its own proof.
    """
    client, fault_s = windows(scenario), formatting.number(scenario.get("strike_s"))
    if not client or fault_s is None:
        return formatting.NOT_MEASURED
    back = formatting.number(scenario.get("recovered_s"))
    until = max(end for _, end, _ in client) if back is None else back
    lost: dict[str, float] = {}
    for start, end, result in client:
        inside = min(end, until) - max(start, fault_s)
        if result != "right" and inside > 0:
            lost[result] = lost.get(result, 0.0) + inside
    if not lost:
        return "none"
    parts = (f"{formatting.duration(long)} {result}" for result, long in lost.items())
    return f"{formatting.duration(sum(lost.values()))} ({', '.join(parts)})"


def _ticks(first: float, total: float) -> list[float]:
    sizes = (step * 10**power for power in range(-2, 8) for step in (1, 2, 5))
    step = next((size for size in sizes if size * 6 >= total), total)
    return [step * n for n in range(math.ceil(first / step), int((first + total) / step) + 1)]


@dataclass(frozen=True, slots=True)
class Axis:
    """The time that a picture shows: `total` seconds from `first` on. Places are shares of its width."""

    first: float
    total: float

    def x(self, at: float) -> str:
        return percent(at - self.first, self.total)

    def share(self, at: float) -> float:
        return (at - self.first) / self.total

    def width(self, seconds: float) -> str:
        """However short it was, it is to be seen."""
        return percent(max(seconds, self.total * 0.004), self.total)


def timeline(scenario: JSON, key: str = "timeline") -> str:
    """Phases as numbered bars on a time axis, what clients saw below, fault and recovery marked."""
    phases, client, marks = spans(scenario), windows(scenario), _marks(scenario)
    ends = [*(a + b for a, b, _ in phases), *(b for _, b, _ in client), *(at for at, _, _ in marks)]
    begins = [*(a for a, _, _ in phases), *(a for a, _, _ in client), *(at for at, _, _ in marks)]
    # what lies before the first step is set-up, and no part of the picture
    first = min(begins, default=0.0)
    axis = Axis(first, max(ends, default=0.0) - first)
    if axis.total <= 0:
        return ""
    body = [
        patterns(key),
        text("0", 46, "Steps", "t-small"),
        text("0", 96, "Clients", "t-small"),
        *_phase_bars(axis, phases),
        *_client_bars(axis, client, key),
        *_mark_lines(axis, marks),
        *_tick_labels(axis),
        *_legend(key),
    ]
    desc = "; ".join(
        [
            f"{n}. {phase.get('name')}: {formatting.duration(b)}"
            for n, (_, b, phase) in enumerate(phases, 1)
        ]
        + [f"{name} at {formatting.duration(at)}" for at, name, _ in marks]
        + [f"downtime: {outage(scenario)}"]
    )
    title = f"Timeline of {formatting.text_of(scenario.get('title'), 'a scenario')}"
    return picture(key, 178, title, desc, "".join(body))


def _marks(scenario: JSON) -> list[Mark]:
    marks = (
        (formatting.number(scenario.get("strike_s")), "fault", "k-fault"),
        (formatting.number(scenario.get("recovered_s")), "recovered", "k-back"),
    )
    return [(at, name, css) for at, name, css in marks if at is not None]


def _phase_bars(axis: Axis, phases: Sequence[Span]) -> Iterator[str]:
    last = -1.0
    for order, (start, long, phase) in enumerate(phases, 1):
        bad = phase.get("status") not in (None, "passed")
        css = "p-bad" if bad else f"p-{order % 2}"
        yield (
            f'<rect class="{css}" x="{axis.x(start)}" y="52" height="26"'
            f' width="{axis.width(long)}"><title>'
            f"{escape(str(phase.get('name')))}: {escape(formatting.duration(long))}</title></rect>"
        )
        middle = axis.share(start + long / 2)
        if middle - last > 0.045:  # else two numbers would lie on each other; the table has both
            place = min(max(middle, 0.015), 0.985)
            label = f"{order}{' ✕' if bad else ''}"
            yield text(percent(place, 1), 70, label, "t-bar on-bad" if bad else "t-bar", "middle")
            last = middle


def _client_bars(axis: Axis, client: Sequence[ClientWindow], key: str) -> Iterator[str]:
    for start, end, result in client:
        name = result if result in CLIENT else "timeout"
        yield (
            f'<rect class="window" fill="url(#{key}-{name})" x="{axis.x(start)}" y="102"'
            f' height="24" width="{axis.width(end - start)}"><title>'
            f"{escape(result)}: {escape(formatting.duration(end - start))}</title></rect>"
        )
        if (end - start) / axis.total > 0.05:
            letter = text("0", 13.5, CLIENT.get(result, "?"), "t-bar", "middle")
            yield (
                f'<svg x="{axis.x((start + end) / 2)}" y="105" overflow="visible">'
                f'<rect class="plate" x="-9" width="18" height="18" rx="3"/>{letter}</svg>'
            )
    if not client:
        yield text("0", 118, "what clients saw was not recorded", "t-small")


def _mark_lines(axis: Axis, marks: Sequence[Mark]) -> Iterator[str]:
    for row, (at, name, css) in enumerate(marks):
        side, gap = ("end", -5) if axis.share(at) > 0.55 else ("start", 5)
        y = 12 + 16 * row
        yield (
            f'<svg x="{axis.x(at)}" y="0" overflow="visible"><line class="{css}" y1="{y - 10}"'
            f' y2="132"/><text class="t-mark" x="{gap}" y="{y}" text-anchor="{side}">'
            f"{escape(f'{name} {formatting.duration(at)}')}</text></svg>"
        )


def _tick_labels(axis: Axis) -> Iterator[str]:
    yield '<line class="axis" x1="0" x2="100%" y1="134" y2="134"/>'
    for tick in _ticks(axis.first, axis.total):
        share = axis.share(tick)
        side = "start" if share < 0.03 else "end" if share > 0.95 else "middle"
        yield text(axis.x(tick), 149, formatting.duration(tick), "t-small", side)


def _legend(key: str) -> Iterator[str]:
    for column, (name, letter) in enumerate(CLIENT.items()):
        label = text("21", 12, f"{letter} {name}", "t-small")
        yield (
            f'<svg x="{column * 20}%" y="160" overflow="visible"><rect class="window"'
            f' fill="url(#{key}-{name})" width="16" height="14"/>{label}'
            "</svg>"
        )
