"""How long would a rebuild of another size take, with how many workers? From its parts, each measured.

A rebuild reads and compares, embeds, writes, and proves. Workers share the embedding. Whoever checks
and writes is one: at some number of workers that one is the bound. What a vector costs to write grows
with the vectors that are there: as log n at least, which building the index takes, and as n^0.4 at
most, which is what was seen of servers (1,339 a second at 4,000 records, 887 at 20,000, 243 at 515,000).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chromadrill.core.model import JSON

SIZES = (120_000, 1_000_000, 10_000_000)
WORKERS = (1, 8, 32)
TAKEN_OVER = (0.0, 0.99)
GROWS_FROM = 4_000  # records: of fewer, a request costs more than its vectors' places in the index
STEEPEST = 0.4  # exponent of a vector's cost to write, by the number of vectors that are there
CHECKED = 1 / 64  # of the documents are embedded once more by whoever writes
QUERIES = 5_000  # at most so many records are asked for by a proof, however many there are
WRITER, EMBEDDING, CHECKING, PROOF = (
    "the one writer",
    "embedding",
    "checking what workers embed",
    "comparison and proof",
)


@dataclass(frozen=True, slots=True)
class Range:
    """Seconds, the least and the most."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: float) -> Range:
        return Range(self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class RebuildParts:
    """What was measured, in seconds: to embed a document on one core, to write a vector where there
    are `written` of them, to read a record, to ask one query of a proof."""

    embed: Range
    write: Range
    written: int
    read: Range
    query: Range


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a rebuild: its seconds, and which of its parts bounds it."""

    records: int
    workers: int
    taken_over: float
    seconds: Range
    bound: str

    def as_json(self) -> JSON:
        return {
            "records": self.records,
            "workers": self.workers,
            "taken_over_percent": round(100 * self.taken_over, 1),
            "low_s": round(self.seconds.low, 1),
            "high_s": round(self.seconds.high, 1),
            "bound": self.bound,
        }


def estimate(parts: RebuildParts, records: int, workers: int, taken_over: float) -> Estimate:
    """`workers`: each on a core of its own. `taken_over`: the share of vectors that a lender has."""
    to_embed = records * (1 - taken_over)
    embedding = parts.embed * (to_embed / workers)
    writing = write_seconds(parts, records)
    checking = parts.embed * (to_embed * CHECKED)
    beside = _longer(embedding, writing + checking)
    borrowing = parts.read * (records * taken_over)
    # the source is read to compare and once more to prove, where the collection is read as well
    comparing = parts.read * records
    proving = parts.read * (2 * records) + _asking(parts, records)
    around = comparing + proving
    bounds = [
        _bound(embedding.low, writing.low, checking.low, around.low),
        _bound(embedding.high, writing.high, checking.high, around.high),
    ]
    seconds = around + borrowing + beside
    return Estimate(records, workers, taken_over, seconds, " or ".join(dict.fromkeys(bounds)))


def _bound(embedding: float, writing: float, checking: float, around: float) -> str:
    """What a rebuild would wait for, if its parts took these seconds."""
    if around > max(embedding, writing + checking):
        return PROOF
    if embedding >= writing + checking:
        return EMBEDDING
    return WRITER if writing >= checking else CHECKING


def estimates(parts: RebuildParts, sizes: Sequence[int] = SIZES) -> list[Estimate]:
    """For every size, with few and many workers, with and without vectors that are taken over."""
    return [
        estimate(parts, records, workers, taken_over)
        for records in sizes
        for taken_over in TAKEN_OVER
        for workers in WORKERS
    ]


def write_seconds(parts: RebuildParts, records: int) -> Range:
    """To write so many vectors, one after the other, into a collection that begins empty."""
    n0, n = max(GROWS_FROM, parts.written), max(2, records)
    if n <= n0:
        return parts.write * n
    low = parts.write.low * (n0 + (_log_integral(n) - _log_integral(n0)) / math.log(n0))
    grown = (n ** (1 + STEEPEST) - n0 ** (1 + STEEPEST)) / ((1 + STEEPEST) * n0**STEEPEST)
    return Range(low, parts.write.high * (n0 + grown))


def forecast_json(parts: RebuildParts, records: int | None, source: JSON) -> JSON:
    """`summary.forecast` of a record: a sentence, the table, and what both were made from.

    `records`: the size that counts, None where nobody has named it: then the first of `SIZES`.
    """
    sizes = sorted({*SIZES, records} if records else SIZES)
    at = records or SIZES[0]
    one, many = (estimate(parts, at, workers, 0.0) for workers in (WORKERS[0], WORKERS[1]))
    return {
        "text": f"{at:,} records: {minutes(one.seconds)} with one worker,"
        f" {minutes(many.seconds)} with {many.workers}",
        "records": at,
        "rows": [row.as_json() for row in estimates(parts, sizes)],
        "measured": {
            "embed_ms": _milliseconds(parts.embed),
            "write_ms": _milliseconds(parts.write),
            "written": parts.written,
            "read_ms": _milliseconds(parts.read),
            "query_ms": _milliseconds(parts.query),
        },
        "source": source,
    }


def minutes(seconds: Range) -> str:
    """ "12-15 min", "2.1-9 h"."""
    unit, size = ("h", 3600.0) if seconds.low >= 3 * 3600 else ("min", 60.0)
    low, high = (_figure(value / size) for value in (seconds.low, seconds.high))
    return f"{low} {unit}" if low == high else f"{low}-{high} {unit}"


def _figure(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _asking(parts: RebuildParts, records: int) -> Range:
    """The queries of a proof. An index of more vectors is deeper by the logarithm."""
    deeper = math.log(max(records, 2)) / math.log(max(2, parts.written))
    count = min(records, QUERIES)
    return Range(parts.query.low * count, parts.query.high * count * max(1.0, deeper))


def _longer(one: Range, other: Range) -> Range:
    """Of two that run side by side."""
    return Range(max(one.low, other.low), max(one.high, other.high))


def _log_integral(n: float) -> float:
    """Of ln x, but for a constant."""
    return n * math.log(n) - n


def _milliseconds(seconds: Range) -> list[float]:
    return [round(1000 * seconds.low, 3), round(1000 * seconds.high, 3)]
