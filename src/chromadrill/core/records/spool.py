"""Where tables wait: in memory while they are few, else in one temporary file without a name."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import IO

import numpy as np
import pyarrow as pa

from chromadrill.core.records.no_room import NoRoom

MEMORY = 8 << 20  # bytes of tables that are kept in memory before anything is written
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Slot:
    """One table of a spool: the table, or where it lies in the spool's file."""

    __slots__ = ("size", "start", "table")

    def __init__(self, table: pa.Table | None, start: int = 0, size: int = 0) -> None:
        self.table, self.start, self.size = table, start, size


class Spool:
    """Tables put aside to be read again. One file at most, removed with the last reference to it.

    It is read by plain reads: pages of a memory map would count as memory of this process.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._room = memory
        self._file: IO[bytes] | None = None
        self._end = 0

    def put(self, table: pa.Table) -> Slot:
        """Keep a table. Raises NoRoom."""
        size = table.nbytes
        if size <= self._room:
            self._room -= size
            # copied, lest a slice keep all of a larger table in memory
            return Slot(_copy(table))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
            writer.write_table(table.combine_chunks())
        return self._write(sink.getvalue())

    def get(self, slot: Slot) -> pa.Table:
        """Return the table of a slot."""
        if slot.table is not None:
            return slot.table
        assert self._file is not None  # noqa: S101 - a slot without a table was written
        data = os.pread(self._file.fileno(), slot.size, slot.start)
        return pa.ipc.open_stream(data).read_all()

    def _write(self, data: pa.Buffer) -> Slot:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="chromadrill-", buffering=0)  # noqa: SIM115 - until the spool goes
            view, at = memoryview(data), self._end
            while at < self._end + len(view):
                at += os.pwrite(self._file.fileno(), view[at - self._end :], at)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise NoRoom("The list of records", self._end + len(data)) from error
        slot = Slot(None, self._end, len(view))
        self._end = at
        return slot


def _copy(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.arange(len(table))))
