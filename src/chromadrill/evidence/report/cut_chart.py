"""Power cuts as one SVG file: seconds since the last index flush, and since the last write.

Pure: numbers to text. The file holds its own colours for light and dark, and no script. What a colour
means, a shape says too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, FLOOR = 84, 944, 48, 330
LOW, HIGH = -2, 2  # powers of ten, in seconds
# "M 0 0" is the moment of the cut; each shape is 10 pixels wide
SHAPES: Mapping[str, tuple[str, str]] = {
    "WHOLE": ("whole", "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0"),
    "LOST": ("lost", "M0-6 6 5H-6Z"),
    "DOES NOT START": ("bad", "M-5-5h10v10h-10Z"),
    "CRASHES WHEN ASKED": ("bad", "M-5-5 5 5M-5 5 5-5"),
    "WRONG ANSWERS": ("bad", "M0-7 6 0 0 7-6 0Z"),
    "UNJUDGED": ("unjudged", "M-5 0H5M0-5V5"),
}
STYLE = """
svg { background: #fff; font: 13px system-ui, sans-serif; }
text { fill: #1a1d21; } .muted { fill: #4b5563; } .grid { stroke: #d5dae0; }
path { stroke-width: 1.6; fill-opacity: .55; }
.whole { fill: #1f7a3d; stroke: #1f7a3d; } .lost { fill: #b26b00; stroke: #b26b00; }
.bad { fill: #a81c14; stroke: #a81c14; } .unjudged { fill: none; stroke: #4b5563; }
@media (prefers-color-scheme: dark) {
svg { background: #14171a; } text { fill: #e8eaed; } .muted { fill: #b0b7bf; } .grid { stroke: #3a424a; }
.whole { fill: #7fd69a; stroke: #7fd69a; } .lost { fill: #ffc66b; stroke: #ffc66b; }
.bad { fill: #ffb0a8; stroke: #ffb0a8; } .unjudged { stroke: #b0b7bf; } }
"""
CutPoint = tuple[float | None, float | None, str]  # since the last write, the last flush (s), class


def cut_chart(points: Sequence[CutPoint], *, title: str) -> str:
    """Every cut that came after an index flush, on logarithmic scales."""
    shown = [(write, flush, name) for write, flush, name in points if write and flush]
    body = [_axes()]
    for write, flush, name in shown:
        css, shape = SHAPES[name]
        body.append(
            f'<path class="{css}" d="{shape}" transform="translate({_x(flush):.1f} {_y(write):.1f})">'
            f"<title>{escape(name)}: {flush:g} s after a flush, {write:g} s after a write</title></path>"
        )
    body.append(_legend(Counter(name for _, _, name in shown)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-labelledby="cuts-title cuts-desc"><title id="cuts-title">{escape(title)}</title>'
        f'<desc id="cuts-desc">{len(shown)} cuts after an index flush, of {len(points)}</desc>'
        f"<style>{STYLE}</style>"
        f'<text x="{LEFT}" y="22" font-size="16" font-weight="600">{escape(title)}</text>'
        f"{''.join(body)}</svg>\n"
    )


def _share(seconds: float) -> float:
    return min(max((math.log10(seconds) - LOW) / (HIGH - LOW), 0.0), 1.0)


def _x(seconds: float) -> float:
    return LEFT + (RIGHT - LEFT) * _share(seconds)


def _y(seconds: float) -> float:
    return FLOOR - (FLOOR - TOP) * _share(seconds)


def _axes() -> str:
    body = ""
    for power in range(LOW, HIGH + 1):
        at = 10.0**power
        body += (
            f'<line class="grid" x1="{_x(at):.1f}" x2="{_x(at):.1f}" y1="{TOP}" y2="{FLOOR}"/>'
            f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{_y(at):.1f}" y2="{_y(at):.1f}"/>'
            f'<text class="muted" x="{_x(at):.1f}" y="{FLOOR + 18}" text-anchor="middle">{at:g} s</text>'
            f'<text class="muted" x="{LEFT - 8}" y="{_y(at) + 4:.1f}" text-anchor="end">{at:g} s</text>'
        )
    return body + (
        f'<text x="{(LEFT + RIGHT) // 2}" y="{FLOOR + 38}" text-anchor="middle">'
        "since the last index flush</text>"
        f'<text x="{LEFT}" y="{TOP - 8}">since the last acknowledged write</text>'
    )


def _legend(counts: Counter[str]) -> str:
    body, at = "", LEFT
    for name, (css, shape) in SHAPES.items():
        if not counts[name]:
            continue
        label = f"{counts[name]} {name}"
        body += (
            f'<path class="{css}" d="{shape}" transform="translate({at + 6} {HEIGHT - 22})"/>'
            f'<text x="{at + 18}" y="{HEIGHT - 18}">{escape(label)}</text>'
        )
        at += 34 + 9 * len(label)
    return body
