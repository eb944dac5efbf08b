"""The rows of an index by the digest of their vector: 12 bytes for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.fingerprint.digests import digest

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
_LOOKED_UP = 2000


class RowsByDigest:
    """`read`: rows -> their vectors, float32 (n, dimension), as a server answers them."""

    def __init__(self, read: Callable[[Rows], Vectors], row_count: int) -> None:
        self._read = read
        heads = np.empty(row_count, np.uint64)
        for start in range(0, row_count, _LOOKED_UP):
            rows = np.arange(start, min(start + _LOOKED_UP, row_count))
            vectors = np.ascontiguousarray(read(rows), np.float32)
            heads[rows] = [_head(digest(vector.data)) for vector in vectors]
        self._order = np.argsort(heads, kind="stable").astype(np.uint32)
        self._heads = heads[self._order]

    def vector(self, wanted: bytes) -> Vectors | None:
        """The vector whose digest this is, float32 (dimension,); None where no row has it."""
        head = np.uint64(_head(wanted))
        place = int(np.searchsorted(self._heads, head))
        while place < len(self._heads) and self._heads[place] == head:
            vector = np.ascontiguousarray(
                self._read(self._order[place : place + 1].astype(np.int64))
            )[0]
            if digest(vector.data) == wanted:
                return np.asarray(vector, np.float32)
            place += 1
        return None


def _head(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")
