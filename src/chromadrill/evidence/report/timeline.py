"""One scenario on a time axis: its steps, what clients saw, the fault and the recovery."""

from __future__ import annotations

import math
from html import escape

from chromadrill.core.model import JSON
from chromadrill.evidence.report import formatting
from chromadrill.evidence.report.svg_helpers import patterns, percent, picture, text

CLIENT = {"right": "R", "wrong": "W", "error": "E", "timeout": "T", "unwatched": "U"}


def spans(scenario: JSON) -> list[tuple[float, float, JSON]]:
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


def windows(scenario: JSON) -> list[tuple[float, float, str]]:
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


def timeline(scenario: JSON, key: str = "timeline") -> str:
    """Phases as numbered bars on a time axis, what clients saw below, fault and recovery marked."""
    phases, client = spans(scenario), windows(scenario)
    marks = [
        (at, name, css)
        for at, name, css in (
            (formatting.number(scenario.get("strike_s")), "fault", "k-fault"),
            (formatting.number(scenario.get("recovered_s")), "recovered", "k-back"),
        )
        if at is not None
    ]
    ends = [*(a + b for a, b, _ in phases), *(b for _, b, _ in client), *(at for at, _, _ in marks)]
    begins = [*(a for a, _, _ in phases), *(a for a, _, _ in client), *(at for at, _, _ in marks)]
    # what lies before the first step is set-up, and no part of the picture
    first = min(begins, default=0.0)
    total = max(ends, default=0.0) - first
    if total <= 0:
        return ""

    def x(at: float) -> str:
        return percent(at - first, total)

    body = [patterns(key), text("0", 46, "Steps", "t-small"), text("0", 96, "Clients", "t-small")]
    last = -1.0
    for order, (start, long, phase) in enumerate(phases, 1):
        bad = phase.get("status") not in (None, "passed")
        css = "p-bad" if bad else f"p-{order % 2}"
        body.append(
            f'<rect class="{css}" x="{x(start)}" y="52" height="26"'
            f' width="{percent(max(long, total * 0.004), total)}"><title>'
            f"{escape(str(phase.get('name')))}: {escape(formatting.duration(long))}</title></rect>"
        )
        middle = (start + long / 2 - first) / total
        if middle - last > 0.045:  # else two numbers would lie on each other; the table has both
            place = min(max(middle, 0.015), 0.985)
            label = f"{order}{' ✕' if bad else ''}"
            body.append(
                text(percent(place, 1), 70, label, "t-bar on-bad" if bad else "t-bar", "middle")
            )
            last = middle
    for start, end, result in client:
        name = result if result in CLIENT else "timeout"
        body.append(
            f'<rect class="window" fill="url(#{key}-{name})" x="{x(start)}" y="102"'
            f' height="24" width="{percent(max(end - start, total * 0.004), total)}"><title>'
            f"{escape(result)}: {escape(formatting.duration(end - start))}</title></rect>"
        )
        if (end - start) / total > 0.05:
            middle_of = x((start + end) / 2)
            letter = text("0", 13.5, CLIENT.get(result, "?"), "t-bar", "middle")
            body.append(
                f'<svg x="{middle_of}" y="105" overflow="visible"><rect class="plate" x="-9" width="18"'
                f' height="18" rx="3"/>{letter}</svg>'
            )
    if not client:
        body.append(text("0", 118, "what clients saw was not recorded", "t-small"))
    for row, (at, name, css) in enumerate(marks):
        side, gap = ("end", -5) if (at - first) / total > 0.55 else ("start", 5)
        y = 12 + 16 * row
        body.append(
            f'<svg x="{x(at)}" y="0" overflow="visible"><line class="{css}" y1="{y - 10}"'
            f' y2="132"/><text class="t-mark" x="{gap}" y="{y}" text-anchor="{side}">'
            f"{escape(f'{name} {formatting.duration(at)}')}</text></svg>"
        )
    body.append('<line class="axis" x1="0" x2="100%" y1="134" y2="134"/>')
    for tick in _ticks(first, total):
        share = (tick - first) / total
        side = "start" if share < 0.03 else "end" if share > 0.95 else "middle"
        body.append(text(x(tick), 149, formatting.duration(tick), "t-small", side))
    for column, (name, letter) in enumerate(CLIENT.items()):
        words_of = text("21", 12, f"{letter} {name}", "t-small")
        body.append(
            f'<svg x="{column * 20}%" y="160" overflow="visible"><rect class="window"'
            f' fill="url(#{key}-{name})" width="16" height="14"/>{words_of}'
            "</svg>"
        )
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
