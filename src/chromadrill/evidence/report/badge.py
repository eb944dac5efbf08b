"""A badge for a README: "restore | proven 3 days ago". One SVG, nothing is loaded from elsewhere.

A badge does not age by itself: draw it daily, or when somebody asks for it. The tooltip names the day,
in case nobody draws the badge anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

from chromadrill.core.model import JSON
from chromadrill.evidence.report import formatting

FRESH_DAYS = 35  # drills are monthly: 31 days, and a weekend and a bit to repeat one
GREEN, ORANGE, RED, GREY = "#2c7a34", "#a85a00", "#b3261e", "#5f6368"  # white on each: 4.5:1 and up
LEFT = "restore"
LETTER = 6.6  # px: Verdana of 11 px, on average; the text is then fitted to the width
PADDING = 10
SKEW = timedelta(hours=1)  # another machine's clock may be ahead, not another day's


def badge(last_proven: JSON | None, now: datetime) -> str:
    """The SVG for the last history entry of a proven restore (None: never), as of `now` (aware)."""
    status, title, colour = _words(last_proven, now)
    left_px, right_px = (round(len(text) * LETTER) + PADDING for text in (LEFT, status))
    texts = "".join(
        f'<text x="{at + width / 2:g}" y="14" textLength="{width - PADDING}">{escape(text)}</text>'
        for at, width, text in ((0, left_px, LEFT), (left_px, right_px, status))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left_px + right_px}" height="20" role="img"'
        f' aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f'<clipPath id="r"><rect width="{left_px + right_px}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left_px}" height="20" fill="#444"/>'
        f'<rect x="{left_px}" width="{right_px}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif"'
        f' font-size="11">{texts}</g></svg>\n'
    )


def _words(entry: JSON | None, now: datetime) -> tuple[str, str, str]:
    if entry is None:
        return "never", "No restore was ever proven", GREY
    at = formatting.moment(entry.get("finished_at"))
    if entry.get("outcome") != "pass" or at is None or at > now + SKEW:
        return "not proven", "Restore not proven", RED
    days = max(0, (now - at).days)
    ago = "today" if days == 0 else "1 day ago" if days == 1 else f"{days} days ago"
    # XML has no way to write a control character
    target = "".join(
        letter for letter in str(entry.get("source") or entry.get("target")) if letter.isprintable()
    )
    title = f"Restore of {target} proven {ago}, on {at:%Y-%m-%d} at {at:%H:%M} UTC"
    if days <= FRESH_DAYS:
        return f"proven {ago}", title, GREEN
    return f"proven {ago}", f"{title}: longer ago than {FRESH_DAYS} days", ORANGE
