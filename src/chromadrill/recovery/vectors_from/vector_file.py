"""Vectors put aside in one temporary file without a name, to be read in any order."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from chromadrill.core.records.no_room import NoRoom

Places = npt.NDArray[np.int64]
_SPARSE = 4  # rows read for one that is wanted, before each is read by itself
_CHUNK = 2048  # rows looked at together


class VectorFile:
    """Rows of one number that confirms the document (uint64) and its vector, float32 (dimension,).

    It is read by plain reads: pages of a memory map would count as memory of this process.
    """

    def __init__(self, dimension: int) -> None:
        self._type = np.dtype([("confirms", "<u8"), ("vector", "<f4", (dimension,))])
        self._file: IO[bytes] | None = None
        self.rows = 0

    def append(self, confirms: npt.NDArray[np.uint64], vectors: npt.NDArray[np.float32]) -> None:
        """Write rows behind those that are there. Raises NoRoom."""
        rows = np.empty(len(confirms), self._type)
        rows["confirms"], rows["vector"] = confirms, vectors
        data = rows.tobytes()
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="chromadrill-", buffering=0)  # noqa: SIM115 - until the file goes
            view, at = memoryview(data), self.rows * self._type.itemsize
            while view:
                count = os.pwrite(self._file.fileno(), view, at)
                view, at = view[count:], at + count
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            size = (self.rows + len(rows)) * self._type.itemsize
            raise NoRoom("The file of vectors to take over", size) from error
        self.rows += len(rows)

    def forget_from(self, row: int) -> None:
        """Drop the rows from this one on."""
        if self._file is not None:
            os.ftruncate(self._file.fileno(), row * self._type.itemsize)
        self.rows = row

    def read(self, places: Places) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]:
        """Return the columns of these rows, in their order."""
        order = np.argsort(places, kind="stable")
        ascending = places[order]
        rows = np.empty(len(places), self._type)
        if len(places):
            first, end = int(ascending[0]), int(ascending[-1]) + 1
            if end - first <= _SPARSE * len(places):
                rows[order] = self._block(first, end)[ascending - first]
            else:
                for at, place in zip(order.tolist(), ascending.tolist(), strict=True):
                    rows[at] = self._block(place, place + 1)[0]
        return rows["confirms"], rows["vector"]

    def chunks(self, first: int, end: int) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Yield the vectors of a stretch of rows, some thousands at a time, with the first's number."""
        for start in range(first, end, _CHUNK):
            yield start, self._block(start, min(end, start + _CHUNK))["vector"]

    def _block(self, first: int, end: int) -> npt.NDArray[Any]:
        assert self._file is not None  # noqa: S101 - whoever knows a row has written it
        size = self._type.itemsize
        data = os.pread(self._file.fileno(), (end - first) * size, first * size)
        return np.frombuffer(data, self._type)
