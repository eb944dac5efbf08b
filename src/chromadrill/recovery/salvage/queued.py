"""Which entry of the queue has the vector of which record: some bytes for each entry, and no object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.id_hashes import Hashes
from chromadrill.chroma.at_rest.log import ADD, DELETE, UPDATE, UPSERT, Stretch, entries

Numbers = npt.NDArray[np.int64]
_CHANGE, _ADDITION, _DELETION, _NO_VECTOR = range(4)
_NONE = np.empty(0, np.int64)


class Queued:
    """The newest entry with a vector of each id that was not deleted later.

    `numbers`: of all entries, ascending. An addition counts only where nothing was there before it.
    """

    def __init__(self, store: Store, stretch: Stretch | None) -> None:
        rows = _rows(store, stretch) if stretch else np.empty((0, 3), np.int64)
        self.numbers = rows[:, 0].copy()
        self._hashes, self._seq_ids, self._is_addition = _newest(rows)

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def first(self) -> int | None:
        """The number of some entry with a vector; None where there is none."""
        return int(self._seq_ids[0]) if len(self) else None

    def find(self, hashes: Hashes) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Return the entry of each id, 0 where there is none, and whether it is an addition."""
        if not len(self):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.bool_)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self) - 1)
        has = self._hashes[places] == hashes
        return np.where(has, self._seq_ids[places], 0), has & self._is_addition[places]

    def has_numbers(self, seq_ids: Numbers) -> npt.NDArray[np.bool_]:
        """Whether the queue still has the entry of each number."""
        if not len(self.numbers):
            return np.zeros(len(seq_ids), np.bool_)
        places = np.minimum(np.searchsorted(self.numbers, seq_ids), len(self.numbers) - 1)
        return np.asarray(self.numbers[places] == seq_ids, np.bool_)


def _rows(store: Store, stretch: Stretch) -> Numbers:
    """(number, hash of the id, kind) of each entry, in their order."""
    found: Iterable[tuple[Any, ...]] = entries(store.db, stretch, 0, "vector IS NOT NULL")
    flat = (
        value
        for seq, operation, id_, has_vector in found
        for value in (seq, hash(id_), _kind(operation, has_vector))
    )
    return np.fromiter(flat, np.int64).reshape(-1, 3)


def _kind(operation: int, has_vector: int) -> int:
    if operation == DELETE:
        return _DELETION
    if not has_vector or operation not in (ADD, UPDATE, UPSERT):
        return _NO_VECTOR
    return _ADDITION if operation == ADD else _CHANGE


def _newest(rows: Numbers) -> tuple[Hashes, Numbers, npt.NDArray[np.bool_]]:
    """(hash, number, whether it is an addition), sorted by the hash.

    Of the entries after an id's last deletion: the last change, else the first addition.
    """
    rows = rows[rows[:, 2] != _NO_VECTOR]
    rows = rows[np.argsort(rows[:, 1], kind="stable")]  # of one id in their order
    if not len(rows):
        return _NONE, _NONE, np.empty(0, np.bool_)
    hashes, kinds = rows[:, 1], rows[:, 2]
    starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(rows))))
    places = np.arange(len(rows))
    last_deletion = np.full(len(starts), -1, np.int64)
    np.maximum.at(last_deletion, group[kinds == _DELETION], places[kinds == _DELETION])
    is_left = places > last_deletion[group]
    changes, additions = is_left & (kinds == _CHANGE), is_left & (kinds == _ADDITION)
    best = np.full(len(starts), -1, np.int64)
    np.maximum.at(best, group[changes], places[changes])
    first = np.full(len(starts), len(rows), np.int64)
    np.minimum.at(first, group[additions], places[additions])
    is_addition = (best < 0) & (first < len(rows))
    best = np.where(is_addition, first, best)
    has = best >= 0
    return hashes[best[has]].copy(), rows[best[has], 0].copy(), is_addition[has]
