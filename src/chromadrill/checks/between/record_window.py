"""The records of one collection: in a copy, and in the fingerprints before and after it, by id.

Three sorted streams are read side by side, in flat memory.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.checks.record_diff import DRIFT, FIELDS, Tally, drift_of, unequal_rows
from chromadrill.checks.same_metadata import other_metadata
from chromadrill.core.model import Difference
from chromadrill.core.model.window import CollectionCoverage
from chromadrill.core.records.alignment import align
from chromadrill.core.records.streams import Records

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RecordWindow:
    """What of a collection is proven, moved and unseen; `differences` no client can have made."""

    coverage: CollectionCoverage
    differences: list[Difference]


def compare(
    collection: str,
    before: Records | None,
    copy: Records,
    after: Records | None,
    *,
    has_after: bool = True,
    tolerant: bool = False,
    written: bool = False,
    may_be_absent: bool = False,
) -> RecordWindow:
    """Tell what a copy holds of each record from what stood before and after it was taken.

    In both and the same: the copy must hold exactly that. In both and changed: any version will do,
    but the record must be there, with its vector if it has one before and after. In one of both, it was
    deleted or added meanwhile: nothing will do, or any version. In neither it came and went.
    None: it had no records then. Without an `after` (`has_after`) only what is the same before and in
    the copy is proven; all the rest moved.
    `tolerant`: vectors may differ by DRIFT (a cosine collection that came back via the API). `written`:
    any collection that did, so that floats of its metadata may be an ulp or three off.
    `may_be_absent`: the collection was made anew meanwhile, and none of its records must be there.
    """
    comparison = _Comparison(
        tolerant=tolerant, written=written, has_after=has_after, may_be_absent=may_be_absent
    )
    streams = [() if records is None else records.batches() for records in (before, copy, after)]
    for tables in align(*streams):
        comparison.read(*tables)
    return comparison.result(collection)


class _Comparison:
    """The tallies of one collection, over all intervals of ids."""

    def __init__(
        self, *, tolerant: bool, written: bool, has_after: bool, may_be_absent: bool
    ) -> None:
        self._tolerant, self._written, self._has_after = tolerant, written, has_after
        self._may_be_absent = may_be_absent
        self._proven = self._moved = self._unseen = self._unexplained = self._in_between = 0
        self._missing, self._doubled = Tally("record", "missing"), Tally("record", "doubled")
        self._changed = {name: Tally(name, "changed") for name in FIELDS}
        self._lost = Tally("vector", "missing")

    def result(self, collection: str) -> RecordWindow:
        tallies = (self._missing, self._doubled, *self._changed.values(), self._lost)
        coverage = CollectionCoverage(
            self._proven, self._moved, self._unseen, self._unexplained, self._in_between
        )
        return RecordWindow(coverage, [t.difference(collection) for t in tallies if t.count])

    def read(self, before: pa.Table, copy: pa.Table, after: pa.Table) -> None:
        """Take in all rows of the next interval of ids."""
        if self._all_same(before, copy, after):
            self._proven += len(copy)
            return
        rows = _Rows(before, copy, after)
        if not self._has_after:
            self._read_without_after(rows)
            return
        was, now = rows.side(before, rows.before), rows.side(after, rows.after)
        copied = rows.side(copy, rows.copy)
        in_before, in_copy, in_after = rows.before >= 0, rows.copy >= 0, rows.after >= 0
        stable = in_before & in_after & ~_any_unequal(was, now)
        wrong = self._unlike(copied, was, stable & in_copy)
        absent = in_before & in_after & ~in_copy & (not self._may_be_absent)
        self._missing.add(rows.ids.filter(pa.array(absent)))
        bare = in_copy & ~stable & _has_lost_vector(copied, was, now, in_before, in_after)
        self._lost.add(rows.ids.filter(pa.array(bare)))
        moved = self._count(
            rows,
            proven=stable & in_copy & ~wrong,
            unexplained=wrong | absent | bare,
            unseen=in_copy & ~in_before & ~in_after & ~bare,
        )
        held = moved & in_copy
        self._in_between += self._count_strange(held, copied, (was, in_before), (now, in_after))

    def _read_without_after(self, rows: _Rows) -> None:
        was, copied = rows.side(rows.tables[0], rows.before), rows.side(rows.tables[1], rows.copy)
        in_both = (rows.before >= 0) & (rows.copy >= 0)
        same = in_both & self._same(was, copied)
        bare = in_both & ~same & _is_null(copied, "vector") & ~_is_null(was, "vector")
        self._lost.add(rows.ids.filter(pa.array(bare)))
        self._count(rows, proven=same, unexplained=bare, unseen=np.zeros(len(same), bool))

    def _count_strange(self, held: _Mask, copied: pa.Table, *sides: tuple[pa.Table, _Mask]) -> int:
        """How many of the rows `held` are in none of `sides` as the copy has them.

        A side: its rows, and which of them it has.
        """
        strange = held
        for side, present in sides:
            if not strange.any():
                return 0
            strange = strange & ~(present & self._same(side, copied))
        return int(strange.sum())

    def _same(self, side: pa.Table, copied: pa.Table) -> _Mask:
        """Which rows of both are the same, as far as the way of the copy keeps them."""
        differing = [self._differing(name, side, copied) for name in FIELDS]
        return np.asarray(~np.any(differing, axis=0))

    def _count(self, rows: _Rows, *, proven: _Mask, unexplained: _Mask, unseen: _Mask) -> _Mask:
        """Which rows moved: those that are none of these. An id twice in the copy is unexplained."""
        doubled = rows.doubled
        self._doubled.add(rows.ids.filter(pa.array(doubled)))
        unexplained = unexplained | doubled
        self._proven += int((proven & ~unexplained).sum())
        self._unexplained += int(unexplained.sum())
        self._unseen += int((unseen & ~unexplained).sum())
        moved = ~proven & ~unexplained & ~unseen
        self._moved += int(moved.sum())
        return moved

    def _unlike(self, copied: pa.Table, was: pa.Table, rows: _Mask) -> _Mask:
        """Which of `rows` differ; each difference is tallied by its field."""
        wrong = np.zeros(len(rows), bool)
        for name in FIELDS:
            differ = self._differing(name, was, copied) & rows
            if differ.any():
                chosen = pa.array(differ)
                self._changed[name].add_changes(was.filter(chosen), copied.filter(chosen))
            wrong |= differ
        return wrong

    def _differing(self, name: str, was: pa.Table, copied: pa.Table) -> _Mask:
        """Which rows have another field `name`; what an import moves is within its tolerance."""
        rows = unequal_rows(was[name], copied[name])
        if name == "metadata" and self._written:
            rows = other_metadata(was, copied, rows)
        differ = _mask(len(was), rows)
        if name == "vector" and self._tolerant:
            differ &= drift_of(was, copied) > DRIFT
        return differ

    def _all_same(self, before: pa.Table, copy: pa.Table, after: pa.Table) -> bool:
        """Whether all three hold the same rows: the common case, told without looking at any."""
        others = (before, after) if self._has_after else (before,)
        if any(len(other) != len(copy) for other in others):
            return False
        ids = copy["id"].combine_chunks()
        if len(ids) > 1 and pc.any(pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1))).as_py():
            return False
        return all(copy[name].equals(other[name]) for other in others for name in ("id", *FIELDS))


class _Rows:
    """The ids of one interval, and in which row of each table each one is; -1 where it is not.

    Of an id that a table has twice its last row counts. `doubled`: the copy alone has it twice.
    """

    def __init__(self, before: pa.Table, copy: pa.Table, after: pa.Table) -> None:
        self.tables = (before, copy, after)
        chunks = [chunk for table in self.tables for chunk in table["id"].chunks]
        unified = pa.concat_arrays(chunks).dictionary_encode()
        codes = unified.indices.to_numpy()
        bounds = np.cumsum([0, *(len(table) for table in self.tables)])
        parts = [codes[start:end] for start, end in itertools.pairwise(bounds)]
        order = pc.sort_indices(unified.dictionary)
        rank = np.empty(len(order), np.int64)
        rank[order.to_numpy()] = np.arange(len(order))
        self.ids: pa.Array = unified.dictionary.take(order)
        self.before, self.copy, self.after = (self._places(rank[part]) for part in parts)
        counts = [np.bincount(rank[part], minlength=len(self.ids)) for part in parts]
        self.doubled: _Mask = (counts[1] > 1) & (counts[0] < 2) & (counts[2] < 2)

    def side(self, table: pa.Table, places: np.ndarray) -> pa.Table:
        """Return one row of `table` for each id; null throughout where it has none."""
        return table.take(pa.array(places, mask=places < 0))

    def _places(self, ranks: np.ndarray) -> np.ndarray:
        places = np.full(len(self.ids), -1, np.int64)
        places[ranks] = np.arange(len(ranks))
        return places


def _any_unequal(one: pa.Table, other: pa.Table) -> _Mask:
    differ = np.zeros(len(one), bool)
    for name in FIELDS:
        differ[unequal_rows(one[name], other[name])] = True
    return differ


def _has_lost_vector(
    copied: pa.Table, was: pa.Table, now: pa.Table, in_before: _Mask, in_after: _Mask
) -> _Mask:
    """A client cannot take a vector away: it is there wherever else the record is."""
    had = (in_before & ~_is_null(was, "vector")) | (in_after & ~_is_null(now, "vector"))
    bare = (in_before & _is_null(was, "vector")) | (in_after & _is_null(now, "vector"))
    return np.asarray(_is_null(copied, "vector") & had & ~bare)


def _is_null(table: pa.Table, name: str) -> _Mask:
    return np.asarray(table[name].is_null().to_numpy())


def _mask(length: int, rows: np.ndarray) -> _Mask:
    mask = np.zeros(length, bool)
    mask[rows] = True
    return mask
