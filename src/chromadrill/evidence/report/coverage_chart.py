"""How much of a backup was proven, as a bar for each collection; pure."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.evidence.report.coverage_counts import Counts, sum_of
from chromadrill.evidence.report.formatting import count, share
from chromadrill.evidence.report.svg_helpers import patterns, percent, picture, text

# the pattern of each kind of record, and its words in the description
KINDS = (
    ("proven", "right", "proven exactly"),
    ("moved", "timeout", "changed meanwhile"),
    ("unseen", "unwatched", "in no recording"),
    ("unexplained", "error", "damaged"),
)
MOST_COLLECTIONS = 12  # in the picture; the table has all
ROW, BAR = 46, 20  # px
LEAST = 0.6  # percent of the width: however few they are, they are to be seen


def coverage_chart(counted: Sequence[Counts], key: str) -> str:
    """A bar for all records, where there are several collections, and one for each of them.

    Every bar is as wide as the picture: it shows shares, and the numbers stand above it.
    """
    shown = [one for one in counted if one.total]
    if not shown:
        return ""
    if len(shown) > MOST_COLLECTIONS:
        rest = shown[MOST_COLLECTIONS - 1 :]
        shown = [*shown[: MOST_COLLECTIONS - 1], sum_of(rest, f"{len(rest)} other collections")]
    if len(shown) > 1:
        shown = [sum_of(counted, "All collections"), *shown]
    body = [patterns(key)]
    for place, one in enumerate(shown):
        body += _row(one, place * ROW, key)
    title = "How many records of the backup were proven exactly, by collection"
    return picture(key, len(shown) * ROW, title, "; ".join(map(_words, shown)), "".join(body))


def _row(counts: Counts, y: int, key: str) -> list[str]:
    name = counts.name if len(counts.name) <= 34 else counts.name[:33] + "…"
    found = f"{share(counts.share)} of {count(counts.total)}"
    body = [text("0", y + 14, name, "t-mark"), text("100%", y + 14, found, "t-mark", "end")]
    wide = _widths(counts)
    left = 0.0
    for kind, fill, words in KINDS:
        if kind not in wide:
            continue
        body.append(
            f'<rect class="window" fill="url(#{key}-{fill})" x="{percent(left, 100)}"'
            f' y="{y + 20}" width="{percent(wide[kind], 100)}" height="{BAR}">'
            f"<title>{words}: {count(getattr(counts, kind))}</title></rect>"
        )
        left += wide[kind]
    return body


def _widths(counts: Counts) -> dict[str, float]:
    """Percent of the width for each kind that there is; the widest gives what the least ones need."""
    wide = {
        kind: max(LEAST, 100 * getattr(counts, kind) / counts.total)
        for kind, _, _ in KINDS
        if getattr(counts, kind)
    }
    widest = max(wide, key=lambda kind: wide[kind])
    wide[widest] -= sum(wide.values()) - 100
    return wide


def _words(counts: Counts) -> str:
    parts = [
        f"{count(getattr(counts, kind))} {words}"
        for kind, _, words in KINDS
        if getattr(counts, kind)
    ]
    return f"{counts.name}: {', '.join(parts)}"
