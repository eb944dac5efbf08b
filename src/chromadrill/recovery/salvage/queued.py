"""Which entry of the queue has the vector of which record: some bytes for each entry, and no object.

The queue begins somewhere in the life of a store. An addition is ignored where the record was there
before, an update where it was not. So the first entries of an id have two readings, until an upsert or a
deletion comes, after which there is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.id_hashes import Hashes
from chromadrill.chroma.at_rest.log import ADD, DELETE, UPDATE, UPSERT, Stretch, entries

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_ADD, _UPSERT, _UPDATE, _NEW_METADATA, _DELETE, _OTHER = range(6)
_KINDS = {ADD: _ADD, UPSERT: _UPSERT, UPDATE: _UPDATE, DELETE: _DELETE}
_NONE = np.empty(0, np.int64)


class Reading(NamedTuple):
    """What the entries of ids come to, one number for each id; 0 where there is none.

    `vectors`: the entry that has the vector now. `newest`: the last one that did anything to the record.
    """

    vectors: Numbers
    newest: Numbers

    def at(self, places: Numbers, has: Flags) -> Reading:
        return Reading(*(np.where(has, column[places], 0) for column in self))


class Story(NamedTuple):
    """The entries of ids, if they were not there before the queue began (`new`), and if they were.

    `first`: the number of the first entry of each id, 0 where it has none. `addition`: of the addition
    that was ignored if the record was there before; 0 where no addition is the first one of its kind.
    """

    new: Reading
    old: Reading
    first: Numbers
    addition: Numbers


class Queued:
    """`numbers`: of all entries of the collection, ascending.

    `is_from_the_start`: whether no entry up to its last one was ever purged, of any collection.
    """

    def __init__(self, store: Store, stretch: Stretch | None, taken_in: int) -> None:
        """`taken_in`: the number up to which the tables have the entries; 0 where that is not known."""
        rows = _rows(store, stretch) if stretch else np.empty((0, 3), np.int64)
        self.numbers, self._owners = rows[:, 0].copy(), rows[:, 1].copy()
        self.is_from_the_start = stretch is not None and stretch.last <= store.unpurged_until
        self._hashes, self._story = _story(rows, taken_in)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, hashes: Hashes) -> Story:
        """Return the entries of each id."""
        new, old, first, addition = self._story
        if not len(self):
            places, has = np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.bool_)
            new, old = Reading(places, places), Reading(places, places)
            return Story(new, old, places, places)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self) - 1)
        has = self._hashes[places] == hashes
        return Story(
            new.at(places, has),
            old.at(places, has),
            np.where(has, first[places], 0),
            np.where(has, addition[places], 0),
        )

    def has_numbers(self, seq_ids: Numbers) -> Flags:
        """Whether the queue still has the entry of each number."""
        if not len(self.numbers):
            return np.zeros(len(seq_ids), np.bool_)
        return np.asarray(self.numbers[self._places(seq_ids)] == seq_ids, np.bool_)

    def are_of_others(self, seq_ids: Numbers, hashes: Hashes) -> Flags:
        """Whether the queue has the entry of each number under another id than this."""
        if not len(self.numbers):
            return np.zeros(len(seq_ids), np.bool_)
        is_other = self._owners[self._places(seq_ids)] != hashes
        return np.asarray(self.has_numbers(seq_ids) & is_other, np.bool_)

    def _places(self, seq_ids: Numbers) -> Numbers:
        return np.minimum(np.searchsorted(self.numbers, seq_ids), len(self.numbers) - 1)


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
    """Only an update may be without a vector: every other entry had one, also where it is lost."""
    kind = _KINDS.get(operation, _OTHER)
    return _NEW_METADATA if kind == _UPDATE and not has_vector else kind


def _story(rows: Numbers, taken_in: int) -> tuple[Hashes, Story]:
    """The ids of the entries, sorted, and what the entries of each come to."""
    rows = rows[rows[:, 2] != _OTHER]
    rows = rows[np.argsort(rows[:, 1], kind="stable")]  # of one id in their order
    if not len(rows):
        none = Reading(_NONE, _NONE)
        return _NONE, Story(none, none, _NONE, _NONE)
    numbers, hashes, kinds = rows.T
    starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
    # the entry before each one that told whether the record is there, -1 where none did
    places = np.arange(len(rows))
    tells = np.isin(kinds, (_ADD, _UPSERT, _DELETE))
    told = np.append(-1, np.maximum.accumulate(np.where(tells, places, -1))[:-1])
    told[told < np.repeat(starts, np.diff(np.append(starts, len(rows))))] = -1
    addition = np.maximum.reduceat(np.where((kinds == _ADD) & (told < 0), numbers, 0), starts)
    new, old = (
        _read(
            numbers, kinds, np.where(told < 0, was_there, kinds[told] != _DELETE), starts, taken_in
        )
        for was_there in (False, True)
    )
    return hashes[starts].copy(), Story(new, old, numbers[starts].copy(), addition)


def _read(
    numbers: Numbers, kinds: Numbers, is_there: Flags, starts: Numbers, taken_in: int
) -> Reading:
    """`is_there`: whether the record is, before each entry."""
    does = (kinds == _UPSERT) | np.where(kinds == _ADD, ~is_there, is_there)
    vectors = np.maximum.reduceat(np.where(does & (kinds != _NEW_METADATA), numbers, 0), starts)
    deleted = np.maximum.reduceat(np.where(kinds == _DELETE, numbers, 0), starts)
    does &= (numbers <= taken_in) | (not taken_in)
    newest = np.maximum.reduceat(np.where(does, numbers, 0), starts)
    return Reading(np.where(vectors > deleted, vectors, 0), newest)
