"""Which entry of the queue has the vector of each record, and whether that can be told.

The tables say which write a record is of: a reading of the queue in which another one is the last is not
what happened. Where both readings are left, what tells them apart is whether the record was there before
its first addition: the index knows the ids up to its mark, a queue that was never purged knows them
all, and row numbers ascend as records come. Else nobody can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.id_hashes import Hashes
from chromadrill.chroma.at_rest.log import ADD, as_seq_id
from chromadrill.chroma.remains.index import IndexRemains
from chromadrill.core.model import CollectionInfo
from chromadrill.recovery.salvage.queued import Queued, Reading, Story

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_NO_ROW = 1 << 62


class LastEntries(NamedTuple):
    """By record, numbers of entries; 0 where there is none.

    `vectors`: the entry that has the record's vector, or where `is_sure` is False may have it.
    `newest`: the last one that did anything to the record, by any reading. `written`: the write that
    the tables have; 0 where its number is lost, -1 where they have no such record. `is_index_enough`:
    an index that has the same vector settles what is not sure.
    """

    vectors: Numbers
    newest: Numbers
    written: Numbers
    is_sure: Flags
    is_index_enough: Flags


class LastVectors:
    """Of one collection."""

    def __init__(
        self,
        store: Store,
        info: CollectionInfo,
        queue: Queued,
        index: IndexRemains | None,
        synced: int,
        *,
        has_gaps: bool,
        is_young: bool,
    ) -> None:
        """`queue`: its entries. `has_gaps`: some are lost. `synced`: up to which one the index has them.

        `is_young`: no index was ever written, so that the queue has every entry from the first one on.
        """
        self._store, self._segment = store, store.segment(info, "METADATA")
        self._queue = queue
        self._synced, self._has_gaps = synced, has_gaps
        self._is_whole = not has_gaps and (is_young or self._queue.is_from_the_start)
        self._index = index if index is not None and index.labels_agree else None

    def find(self, ids: Sequence[str], hashes: Hashes) -> LastEntries:
        """Return what the queue has of each id."""
        written, rows = self._written(ids)
        story = self._queue.find(hashes)
        # a row with the number of another record's write has changed its id or its number
        told = np.where(self._queue.are_of_others(written, hashes), 0, written)
        may_be_new, may_be_old = _fits(story.new, story, told), _fits(story.old, story, told)
        may_be_old &= written >= 0
        is_open = may_be_new & may_be_old & (story.new.vectors != story.old.vectors)
        says_new, says_old = self._before(story, hashes, rows, is_open)
        is_new = may_be_new & (~may_be_old | (says_new & ~says_old))
        is_old = may_be_old & (~may_be_new | (says_old & ~says_new))
        is_same = (may_be_new | may_be_old) & (story.new.vectors == story.old.vectors)
        either = np.where(story.new.vectors > 0, story.new.vectors, story.old.vectors)
        is_index_enough = is_open & (story.old.vectors == 0)
        is_index_enough |= (written > 0) & (written <= self._synced)
        return LastEntries(
            np.where(is_old, story.old.vectors, np.where(is_new, story.new.vectors, either)),
            np.maximum(story.new.newest, story.old.newest),
            written,
            is_new | is_old | is_same | (story.first == 0),
            is_index_enough,
        )

    def _before(
        self, story: Story, hashes: Hashes, rows: Numbers, is_open: Flags
    ) -> tuple[Flags, Flags]:
        """Whether something says that a record was not there before its first addition, or was."""
        says_new, says_old = np.zeros_like(is_open), story.addition == 0
        if not is_open.any():
            return says_new, says_old
        says_new |= self._is_whole | (rows > self._first_added_row)
        if self._index is not None:
            has_label = self._index.names.numbers_of(hashes) >= 0
            is_later = is_open & (story.addition > self._synced)
            if is_later.any() and self._knows_all_ids:
                says_new |= is_later & ~has_label
                says_old |= is_later & has_label
            if not self._index.problems:
                # it has taken in the addition: its vector is what became of it
                is_earlier = is_open & ~is_later & has_label & (story.old.vectors == 0)
                says_old |= is_earlier & ~says_new
        return says_new, says_old

    @cached_property
    def _first_added_row(self) -> int:
        """The least row number of a record that an entry of the queue added: later ones came later."""
        if self._segment is None or self._has_gaps:
            return _NO_ROW
        sql = (
            "SELECT min(e.id) FROM embeddings e JOIN embeddings_queue q ON q.seq_id = e.seq_id"
            " AND q.id = e.embedding_id WHERE e.segment_id = ? AND q.operation = ?"
        )
        row = self._store.db.one(sql, self._segment.id, ADD)
        return int(row[0]) if row and isinstance(row[0], int) else _NO_ROW

    @cached_property
    def _knows_all_ids(self) -> bool:
        """Whether the index has every record up to its mark. Files of an earlier flush have not."""
        if self._segment is None or self._index is None:
            return False
        sql = "SELECT embedding_id FROM embeddings WHERE segment_id = ? AND seq_id <= ?"
        hashes = self._store.db.column(sql, self._segment.id, self._synced, is_hashed=True)
        is_told = bool(len(hashes)) or not self._index.problems
        return is_told and bool((self._index.names.numbers_of(hashes) >= 0).all())

    def _written(self, ids: Sequence[str]) -> tuple[Numbers, Numbers]:
        """The write that each record of the tables is of (see LastEntries), and its row's number."""
        written, rows = np.full(len(ids), -1, np.int64), np.full(len(ids), -1, np.int64)
        if self._segment is None:
            return written, rows
        sql = (
            "SELECT j.key, e.seq_id, e.id FROM json_each(?) j CROSS JOIN embeddings e "
            "ON e.segment_id = ? AND e.embedding_id = j.value"
        )
        wanted = orjson.dumps(list(ids)).decode()
        for place, seq, number in self._store.db.rows(sql, wanted, self._segment.id):
            written[place], rows[place] = as_seq_id(seq) or 0, number
        return written, rows


def _fits(reading: Reading, story: Story, written: Numbers) -> Flags:
    """Whether the write that the tables have is the last one of this reading, or before its first."""
    is_last = np.where(reading.newest > 0, written == reading.newest, written < story.first)
    return np.asarray((written <= 0) | is_last, np.bool_)
