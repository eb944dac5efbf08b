"""Records as a sorted stream of tables: in memory, or wherever `batches` reads them from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

BATCH_ROWS = 25_000
KEY = "id"


class Records(Protocol):
    """Rows sorted by id (by its UTF-8 bytes), of which no more than some batches are in memory.

    An id may come twice: that is a finding about the database they were read from.
    """

    def __len__(self) -> int:
        """Return the number of rows."""

    def batches(self) -> Iterator[pa.Table]:
        """Yield the rows in their order, some BATCH_ROWS to a table. It may be called again."""


class RecordsInMemory:
    """Records of one table at hand, which is sorted unless it is in order."""

    def __init__(self, table: pa.Table) -> None:
        self._table = in_order(table)

    def __len__(self) -> int:
        return len(self._table)

    def batches(self) -> Iterator[pa.Table]:
        """Yield the rows in their order, BATCH_ROWS to a table."""
        yield from slices(self._table)


def in_order(table: pa.Table) -> pa.Table:
    """Return the table sorted by id; rows of one id keep their order."""
    ids = table.column(KEY)
    if len(ids) < 2 or pc.all(pc.less_equal(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py():
        return table
    return table.take(pc.sort_indices(ids))


def slices(table: pa.Table, rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """Yield a table in parts of at most `rows`; nothing for an empty one."""
    for start in range(0, len(table), rows):
        yield table.slice(start, rows)


def regrouped(tables: Iterable[pa.Table], rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """Yield the same rows in the same order, `rows` to a table (the last one has the rest)."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        if count >= rows:
            whole = pa.concat_tables(waiting)
            full = count - count % rows
            yield from slices(whole.slice(0, full), rows)
            waiting, count = [whole.slice(full)], count - full
    if count:
        yield pa.concat_tables(waiting)
