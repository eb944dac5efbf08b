"""Sorted streams side by side: the one primitive behind merging and comparing.

An external sort is `merge` of sorted runs. The comparison of two, or three, fingerprints looks at one
interval of ids after the other, with all rows that any of them has there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import pyarrow as pa

from chromadrill.core.records.streams import KEY, in_order


def align(*streams: Iterable[pa.Table]) -> Iterator[tuple[pa.Table, ...]]:
    """Yield one table of each stream for one interval of ids after the other; one may be empty.

    Every stream is sorted by id. All rows of one id come in the same tuple, duplicates too. Memory
    holds some two tables of each stream. Ids are compared by code points, which is the order of their
    UTF-8 bytes.
    """
    heads = [_StreamHead(stream) for stream in streams]
    while True:
        end = min((head.last for head in heads if head.is_open), default=None)
        parts = [head.take_below(end) for head in heads]
        filled = next((part for part in parts if len(part or ())), None)
        if filled is not None:
            # of a stream that never had a table; `empty_table()` would import pandas
            empty = pa.Table.from_batches([], filled.schema)
            yield tuple(empty if part is None else part for part in parts)
        if end is None:
            return
        for head in heads:
            if head.is_open and head.last == end:
                head.read()


def merge(runs: Iterable[Iterable[pa.Table]]) -> Iterator[pa.Table]:
    """Yield the rows of sorted runs as one sorted stream."""
    for parts in align(*runs):
        filled = [part for part in parts if len(part)]
        yield filled[0] if len(filled) == 1 else in_order(pa.concat_tables(filled).combine_chunks())


class _StreamHead:
    """The rows of one stream that were read and not given out yet."""

    def __init__(self, stream: Iterable[pa.Table]) -> None:
        self._tables = iter(stream)
        self._rows: pa.Table | None = None
        self.is_open = True
        self.read()

    def read(self) -> None:
        """Take in the next table that is not empty, or close the head."""
        for table in self._tables:
            if self._rows is None or not len(self._rows):
                self._rows = table
            else:
                self._rows = pa.concat_tables([self._rows, table])
            if len(table):
                return
        self.is_open = False

    @property
    def last(self) -> str:
        """The last id at hand; more rows of it may follow. Only an open head always has one."""
        assert self._rows is not None  # noqa: S101 - an open head has read a table
        return str(self._rows.column(KEY)[-1].as_py())

    def take_below(self, end: str | None) -> pa.Table | None:
        """Give out the rows below an id, or all; None of a stream that had no table at all."""
        if self._rows is None:
            return None
        ids = self._rows.column(KEY)
        count = len(ids)
        if end is not None:
            count = bisect_left(range(count), end, key=lambda row: ids[row].as_py())
        part, self._rows = self._rows.slice(0, count), self._rows.slice(count)
        return part
