"""What the pictures share.

Places are percentages and sizes are pixels: one picture fits a phone and a desk, and its letters keep
their size. Colours are classes of the page.
"""

from __future__ import annotations

from html import escape


def percent(value: float, total: float) -> str:
    return f"{100 * max(0.0, min(value / total, 1.0)):.2f}%"


def text(x: str, y: float, label: str, css: str = "", anchor: str = "start") -> str:
    return f'<text class="{css}" x="{x}" y="{y:g}" text-anchor="{anchor}">{escape(label)}</text>'


def picture(key: str, height: float, title: str, desc: str, body: str) -> str:
    return (
        f'<svg class="picture" width="100%" height="{height:g}" role="img"'
        f' aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(desc)}</desc>{body}</svg>'
    )


def patterns(key: str) -> str:
    """Fills that differ without colour; ids are the picture's own, a page holds several."""

    def pattern(name: str, inside: str) -> str:
        return (
            f'<pattern id="{key}-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect class="f-{name}" width="8" height="8"/>{inside}</pattern>'
        )

    return (
        "<defs>"
        + pattern("right", "")
        + pattern("wrong", '<path class="ink" d="M-2 2 2-2M0 8 8 0M6 10 10 6"/>')
        + pattern("error", '<path class="ink" d="M0 0 8 8M8 0 0 8"/>')
        + pattern("timeout", '<circle class="dot" cx="4" cy="4" r="1.8"/>')
        + pattern("unwatched", '<path class="ink" d="M0 4H8"/>')
        + "</defs>"
    )
