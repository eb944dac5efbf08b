"""Records in any order, sorted by id in flat memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from chromadrill.core.records.alignment import merge
from chromadrill.core.records.spool import Slot, Spool
from chromadrill.core.records.streams import Records, in_order, regrouped, slices

RUN_BYTES = 4 << 20  # of unsorted rows in memory; each such run is sorted and put aside
RUN_ROWS = 1_024  # of a run that is read at a time: as many runs are open as there are


class Sorter:
    """Takes the tables of one collection, in any order, and gives its records, which lie in `spool`.

    One spool serves all collections of a fingerprint.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._aside = Spool(memory=0)
        self._runs: list[list[Slot]] = []
        self._waiting: list[pa.Table] = []
        self._bytes = 0
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take in rows. Raises NoRoom."""
        self._waiting.append(table)
        self._bytes += table.nbytes
        self.rows += len(table)
        if self._bytes >= RUN_BYTES:
            run = slices(self._sorted(), RUN_ROWS)
            self._runs.append([self._aside.put(part) for part in run])

    def records(self) -> Records:
        """Return all rows taken in, sorted. The sorter is empty afterwards. Raises NoRoom."""
        runs = [_read(self._aside, slots) for slots in self._runs]
        if self._waiting:
            runs.append(slices(self._sorted()))
        slots = [self._spool.put(table) for table in regrouped(merge(runs))]
        rows, self.rows, self._runs = self.rows, 0, []
        self._aside = Spool(memory=0)
        return RecordsInSpool(self._spool, slots, rows)

    def _sorted(self) -> pa.Table:
        rows = in_order(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting, self._bytes = [], 0
        return rows


class RecordsInSpool:
    """Sorted records that lie in a spool."""

    def __init__(self, spool: Spool, slots: Sequence[Slot], rows: int) -> None:
        self._spool, self._slots, self._rows = spool, slots, rows

    def __len__(self) -> int:
        return self._rows

    def batches(self) -> Iterator[pa.Table]:
        """Yield the rows in their order, some BATCH_ROWS to a table."""
        return _read(self._spool, self._slots)


def _read(spool: Spool, slots: Sequence[Slot]) -> Iterator[pa.Table]:
    for slot in slots:
        yield spool.get(slot)
