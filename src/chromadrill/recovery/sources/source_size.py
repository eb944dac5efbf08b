"""How large a source is, and how long its documents are: read quickly, and not checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.core.model import JSON
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.sources.source_sql import SourceMapping

SAMPLE_BATCHES = 4  # of rows, from the table's beginning


@dataclass(frozen=True, slots=True)
class SourceSize:
    """`records`: how many a rebuild makes of it. `lengths`: characters of some of its documents.

    `is_users`: of the user's own source, not of one that a drill has made.
    """

    name: str
    records: int
    lengths: tuple[int, ...]
    is_users: bool = True

    def as_json(self) -> JSON:
        """What a report says of it."""
        low, middle, high = (int(n) for n in np.quantile(self.lengths, (0.1, 0.5, 0.9)))
        return {
            "name": self.name,
            "records": self.records,
            "documents_looked_at": len(self.lengths),
            "length_p10": low,
            "length_p50": middle,
            "length_p90": high,
        }


def size_of_texts(name: str, texts: Sequence[str]) -> SourceSize:
    """Of documents that are at hand."""
    return SourceSize(name, len(texts), tuple(len(text) for text in texts), is_users=False)


def size_of_table(url: str, mapping: SourceMapping) -> SourceSize | None:
    """Of a table; None for one without documents. Raises as `open_table` does."""
    with open_table(url, mapping, is_checked=False) as table:
        rows, seen, records = table.sample(SAMPLE_BATCHES)
    if not records:
        return None
    # of a row, a split may make several
    lengths = tuple(len(record.content) for record in records)
    name = "[source] sql" if mapping.sql else mapping.table  # host and database are nobody else's
    return SourceSize(name, round(rows * len(records) / seen), lengths)
