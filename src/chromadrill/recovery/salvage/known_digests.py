"""What a fingerprint says of each record: some fifty bytes for each, and no object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from chromadrill.chroma.at_rest.id_hashes import Hashes, hashes_of
from chromadrill.chroma.fingerprint.digests import DIGEST_BYTES, record_table
from chromadrill.core.model import CollectionPrint, Page

_SAME = ("document", "metadata", "uri")  # columns by which a record is the fingerprint's
_DIGEST = np.dtype((np.void, DIGEST_BYTES))


class KnownDigests:
    """The digests of a collection's fingerprint, None: of none. `changed` counts what differs."""

    def __init__(self, before: CollectionPrint | None) -> None:
        self._before = before
        self._seen: list[Hashes] = []
        self.changed = 0
        rows = sum(len(batch) for batch in self._batches())
        hashes, same = np.empty(rows, np.int64), np.empty(rows, np.int64)
        self._vectors, self._documents = np.zeros(rows, _DIGEST), np.zeros(rows, _DIGEST)
        self._has_vector, self._has_document = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        start = 0
        for batch in self._batches():
            part = slice(start, start + len(batch))
            hashes[part] = hashes_of(batch.column("id").to_pylist())
            same[part] = _hashes_beside_vector(batch)
            _fill(batch, "vector", self._vectors[part], self._has_vector[part])
            _fill(batch, "document", self._documents[part], self._has_document[part])
            start += len(batch)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes, self._same = hashes[self._order], same

    def of(self, page: Page) -> Sequence[bytes | None]:
        """The vector's digest of each record that is the fingerprint's in all but the vector."""
        if self._before is None:
            return [None] * len(page.ids)
        hashes = hashes_of(page.ids)
        self._seen.append(hashes)
        rows = self._rows_of(hashes)
        known = np.flatnonzero(rows >= 0)
        is_same = np.zeros(len(rows), np.bool_)
        if len(known):
            is_same[known] = (
                self._same[rows[known]] == _hashes_beside_vector(record_table(page))[known]
            )
        self.changed += len(known) - int(is_same.sum())
        is_same[known] &= self._has_vector[rows[known]]
        return [
            self._vectors[row].tobytes() if is_same[place] else None
            for place, row in enumerate(rows.tolist())
        ]

    def forget_seen(self) -> None:
        """What was asked so far was asked ahead."""
        self._seen, self.changed = [], 0

    def document(self, id_: str) -> bytes | None:
        """The digest of a record's document; None where the fingerprint has none."""
        (row,) = self._rows_of(np.array([hash(id_)])).tolist()
        return self._documents[row].tobytes() if row >= 0 and self._has_document[row] else None

    def missing(self, lose: Callable[[str, str], None]) -> int:
        """Name the records of the fingerprint that were not read; returns how many."""
        seen = np.sort(np.concatenate(self._seen)) if self._seen else np.empty(0, np.int64)
        count = 0
        for batch in self._batches():
            ids = batch.column("id").to_pylist()
            for row in np.flatnonzero(~_are_in(hashes_of(ids), seen)).tolist():
                lose(ids[row], "the record: the fingerprint has it, the store does not")
                count += 1
        return count

    def _batches(self) -> Iterator[pa.Table]:
        return self._before.records.batches() if self._before else iter(())

    def _rows_of(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        """The row of each id, -1 of an unknown one."""
        if not len(self._hashes):
            return np.full(len(hashes), -1, np.int64)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        return np.where(self._hashes[places] == hashes, self._order[places], -1)


def _are_in(hashes: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(hashes), np.bool_)
    places = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    return np.asarray(ordered[places] == hashes, np.bool_)


def _hashes_beside_vector(table: pa.Table) -> Hashes:
    """One number for the document, the metadata and the URI of each record."""
    columns = (table.column(name).to_pylist() for name in _SAME)
    return np.fromiter(map(hash, zip(*columns, strict=True)), np.int64, len(table))


def _fill(
    table: pa.Table, column: str, out: npt.NDArray[np.void], has: npt.NDArray[np.bool_]
) -> None:
    for row, value in enumerate(table.column(column).to_pylist()):
        if value is not None:
            out[row], has[row] = np.void(value), True
