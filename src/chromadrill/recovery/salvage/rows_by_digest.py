"""The rows of an index by the digest of their vector: 12 bytes for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

    def vectors(self, wanted: Sequence[bytes]) -> list[Vectors | None]:
        """The vector of each digest, float32 (dimension,); None where no row has it."""
        if not len(self._heads) or not wanted:
            return [None] * len(wanted)
        heads = np.array([_head(one) for one in wanted], np.uint64)
        places = np.minimum(np.searchsorted(self._heads, heads), len(self._heads) - 1)
        out: list[Vectors | None] = [None] * len(wanted)
        known = np.flatnonzero(self._heads[places] == heads)
        rows = self._order[places[known]].astype(np.int64)
        for place, vector in zip(known.tolist(), self._read_rows(rows), strict=True):
            if digest(vector.data) == wanted[place]:
                out[place] = vector.copy()
        return out

    def _read_rows(self, rows: Rows) -> Vectors:
        """In their order. The file is read as it lies: one row after the other."""
        order = np.argsort(rows, kind="stable")
        vectors = np.ascontiguousarray(self._read(rows[order]), np.float32) if len(rows) else None
        if vectors is None:
            return np.empty((0, 0), np.float32)
        out = np.empty_like(vectors)
        out[order] = vectors
        return out


def _head(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")
