"""Pictures of a drill as inline SVG; pure functions from the record to text.

Colour alone means nothing: outcomes have shapes, windows have letters and patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from chromadrill.core.model import JSON
from chromadrill.evidence.report import formatting
from chromadrill.evidence.report.svg_helpers import patterns, percent, picture, text
from chromadrill.evidence.report.timeline import timeline

__all__ = ["fault_table", "meter", "timeline", "trend"]

LAST = 12
MARK = "t-mark halo"
SHAPES = {
    "pass": '<circle class="s-pass" r="6"/>',
    "fail": '<rect class="s-fail" x="-7" y="-7" width="14" height="14"/>'
    '<path class="s-cut" d="M-4-4 4 4M4-4-4 4"/>',
    "unknown": '<path class="s-unknown" d="M0-9 9 0 0 9-9 0Z"/>'
    '<text class="s-mark" y="4" text-anchor="middle">?</text>',
}
MEANING = {"pass": "proven", "fail": "not proven", "unknown": "could not tell"}


def meter(value: Any, limit: Any, proven: bool = True) -> str:
    """How much of a limit was used, in green only where the restore is proven."""
    used, most = formatting.number(value), formatting.number(limit)
    if used is None or not most or most < 0:
        return ""
    css = "m-bad" if used > most else "m-good" if proven else "m-open"
    return (
        '<svg class="meter" width="100%" height="6" aria-hidden="true">'
        f'<rect class="m-all" width="100%" height="6" rx="3"/>'
        f'<rect class="{css}" width="{percent(max(used, most * 0.01), most)}" height="6" rx="3"/></svg>'
    )


def _outcome(drill: JSON) -> str:
    outcome = str(drill.get("outcome"))
    return outcome if outcome in MEANING else "unknown"


def _day(drill: JSON) -> tuple[str, str]:
    time = formatting.moment(drill.get("finished_at"))
    return (f"{time:%d}".lstrip("0"), f"{time:%b}") if time else ("?", "")


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where the columns of the trend stand: `count` side by side, up to `top` seconds high."""

    count: int
    top: float
    floor: float = 148.0
    high: float = 126.0

    def y(self, seconds: float) -> float:
        return self.floor - self.high * max(0.0, min(seconds / self.top, 1.0))

    def x(self, place: float) -> str:
        return percent(place, self.count)


def trend(history: Sequence[JSON], key: str = "trend") -> str:
    """Recovery times of the last 12 drills against their limits, the outcome as a shape."""
    drills = [drill for drill in history if isinstance(drill, dict)][-LAST:]
    if not drills:
        return ""
    took = [formatting.number(drill.get("recovery_time_s")) for drill in drills]
    limits = [formatting.number(drill.get("recovery_limit_s")) for drill in drills]
    top = max([value for value in (*took, *limits) if value] or [1.0]) * 1.12
    slots = _Slots(max(len(drills), 6), top)
    sentences = [
        f"{formatting.when(drill.get('finished_at'))}: {MEANING[_outcome(drill)]},"
        f" recovery {formatting.duration(value)} of {formatting.duration(limit)}"
        for drill, value, limit in zip(drills, took, limits, strict=True)
    ]
    body = [f'<line class="axis" x1="0" x2="100%" y1="{slots.floor:g}" y2="{slots.floor:g}"/>']
    for place, drill in enumerate(drills):
        body += _limit_line(slots, place, limits[place])
        body.append(_drill_mark(slots, place, drill, took[place], sentences[place]))
    body += _limit_note(slots, took, limits)
    body += [
        f'<svg x="{place * 33}%" y="204" overflow="visible"><g transform="translate(9 0)">'
        f"{SHAPES[outcome]}</g>{text('23', 4, name, 't-small')}</svg>"
        for place, (outcome, name) in enumerate(MEANING.items())
    ]
    title = f"Recovery times of the last {len(drills)} drills, in seconds, against their limits"
    return picture(key, 216, title, "; ".join(sentences), "".join(body))


def _limit_line(slots: _Slots, place: int, limit: float | None) -> list[str]:
    if limit is None:
        return []
    y = slots.y(limit)
    return [
        f'<line class="limit" x1="{slots.x(place)}" x2="{slots.x(place + 1)}"'
        f' y1="{y:.1f}" y2="{y:.1f}"/>'
    ]


def _drill_mark(slots: _Slots, place: int, drill: JSON, value: float | None, sentence: str) -> str:
    day, month = _day(drill)
    floor = slots.floor
    at = floor if value is None else slots.y(value)
    label = "n/m" if value is None else f"{value:.1f}" if value < 10 else f"{value:,.0f}"
    return (
        f'<svg x="{slots.x(place + 0.5)}" y="0" overflow="visible"><title>{escape(sentence)}</title>'
        f'<line class="stem" y1="{at:.1f}" y2="{floor:g}"/>'
        f'<g transform="translate(0 {at:.1f})">{SHAPES[_outcome(drill)]}</g>'
        f'<text class="t-mark halo" y="{at - 13:.1f}" text-anchor="middle">{label}</text>'
        f'<text class="t-small" y="{floor + 23:g}" text-anchor="middle">{escape(day)}</text>'
        f'<text class="t-small" y="{floor + 36:g}" text-anchor="middle">{escape(month)}</text></svg>'
    )


def _limit_note(
    slots: _Slots, took: Sequence[float | None], limits: Sequence[float | None]
) -> list[str]:
    """The newest limit in words.

    It stands beside a line that ends early; above one that fills the picture, away from high marks.
    """
    known = [limit for limit in limits if limit is not None]
    if not known:
        return []
    note = f"limit {formatting.duration(known[-1])}"
    if len(limits) < slots.count:
        return [text(slots.x(len(limits) + 0.1), slots.y(known[-1]) + 4, note, MARK)]
    is_right = (took[-1] or 0.0) < (took[0] or 0.0)
    x, side = ("100%", "end") if is_right else ("0", "start")
    return [text(x, slots.y(known[-1]) - 6, note, MARK, side)]


def fault_table(rows: Sequence[JSON], key: str = "faults") -> str:
    """Family by family: how many injected faults turned the verdict red, and how many did not."""
    faults = [row for row in rows if isinstance(row, dict)]
    families: dict[tuple[bool, str], list[int]] = {}
    for row in faults:
        healthy = row.get("kind") == "healthy"
        good = "pass" if healthy else "fail"
        name = "healthy copies" if healthy else str(row.get("family"))
        tally = families.setdefault((healthy, name), [0, 0, 0])
        outcome = row.get("outcome")
        tally[0 if outcome == good else 1 if outcome == "unknown" else 2] += 1
    if not families:
        return ""
    most = max(sum(tally) for tally in families.values())
    body, sentences = [patterns(key)], []
    for line, ((healthy, name), tally) in enumerate(sorted(families.items())):
        y, total = 26 * line, sum(tally)
        short = name if len(name) <= 15 else name[:14] + "…"
        words_of = "passed" if healthy else "caught"
        body.append(text("0", y + 16, short, "t-mark"))
        left = 34.0
        for value, fill in zip(tally, ("right", "timeout", "error"), strict=True):
            wide = 40.0 * value / most
            if value:
                body.append(
                    f'<rect class="window" fill="url(#{key}-{fill})" x="{left:.2f}%" y="{y + 3}"'
                    f' width="{max(wide, 0.8):.2f}%" height="18"/>'
                )
            left += max(wide, 0.8) if value else 0
        note = f"{tally[0]} of {total} {words_of}"
        sentences.append(f"{name}: {note}")
        body.append(text("100%", y + 16, note, "t-mark", "end"))
    title = "Injected faults that the checks caught, by family, and healthy copies that passed"
    return picture(key, 26 * len(families) + 2, title, "; ".join(sentences), "".join(body))
