"""The table of a forecast: sizes and workers, each with its minutes and with what bounds it."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.checks.rebuild_parts import Range, minutes
from chromadrill.core.model import JSON
from chromadrill.evidence.report.formatting import number, part, rows, text_of


@dataclass(frozen=True, slots=True)
class ForecastTable:
    """`workers`: of the columns. `lines`: a size each, with and without vectors that are taken over.

    `measured`: what it was made from, in a sentence.
    """

    workers: list[int]
    lines: list[tuple[str, str, list[str]]]
    measured: str


def forecast_table(record: JSON) -> ForecastTable | None:
    """None where the record has no rows of one."""
    forecast = part(part(record, "summary"), "forecast")
    cells: dict[tuple[float, float], dict[int, str]] = {}
    for row in rows(forecast, "rows"):
        records, workers, low, high = (
            number(row.get(key)) for key in ("records", "workers", "low_s", "high_s")
        )
        if records is None or workers is None or low is None or high is None:
            continue
        line = cells.setdefault((records, number(row.get("taken_over_percent")) or 0.0), {})
        line[int(workers)] = f"{minutes(Range(low, high))}: {text_of(row.get('bound'))}"
    if not cells:
        return None
    columns = sorted({count for line in cells.values() for count in line})
    lines = [
        (
            f"{records:,.0f}",
            f"{taken_over:g} %" if taken_over else "none",
            [line.get(count, "") for count in columns],
        )
        for (records, taken_over), line in sorted(cells.items())
    ]
    return ForecastTable(columns, lines, _measured(forecast))


def _measured(forecast: JSON) -> str:
    measured, source = part(forecast, "measured"), part(forecast, "source")
    written = number(measured.get("written")) or 0
    sentences = [
        f"Measured in this drill: {_milliseconds(measured, 'embed_ms')} to embed a document on one core,"
        f" {_milliseconds(measured, 'write_ms')} to write a vector up to {written:,.0f} of them,"
        f" {_milliseconds(measured, 'query_ms')} for a query of the proof."
    ]
    if source:
        lengths = [number(source.get(f"length_{share}")) or 0 for share in ("p10", "p50", "p90")]
        sentences.append(
            f"Documents as long as those of {text_of(source.get('name'))}:"
            f" {lengths[0]:,.0f}, {lengths[1]:,.0f}, {lengths[2]:,.0f} characters (p10, p50, p90)."
        )
    return " ".join(sentences)


def _milliseconds(measured: JSON, name: str) -> str:
    value = measured.get(name)
    pair = value if isinstance(value, list) else []
    low, high = (number(pair[at]) if len(pair) == 2 else None for at in (0, 1))
    return f"{low:.2g}-{high:.2g} ms" if low is not None and high is not None else "not recorded"
