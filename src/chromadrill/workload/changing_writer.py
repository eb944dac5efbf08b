"""A client that writes as applications do: new records, present ones anew, and deletions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Acknowledged, CollectionInfo
from chromadrill.workload.writer import BATCH, CHANGE, PAUSE_S, Vectors, Writer, new_write

NEW, UPDATE, DELETE = "new", "update", "delete"
TURNS = (NEW, UPDATE, NEW, UPDATE, DELETE)
DELETED_SHARE = 5  # of a batch one in so many is removed


class ChangingWriter(Writer):
    """Two calls of five write new records, two write present ones anew, one deletes.

    `before`: what was written to the collection already. A record that is deleted is not written again.
    """

    def __init__(
        self,
        url: str,
        collection: CollectionInfo,
        *,
        batch: int = BATCH,
        pause_s: float = PAUSE_S,
        vectors: Vectors | None = None,
        before: Sequence[Acknowledged] = (),
        turns: Sequence[str] = TURNS,
        seed: int = 0,
    ) -> None:
        super().__init__(url, collection, batch=batch, pause_s=pause_s, vectors=vectors)
        self._turns, self._choice = turns, random.Random(seed)
        deleted = {write.id for write in before if write.is_deletion}
        # of the records that are there, by what was sent
        self._values = {write.id: write.value for write in before if write.id not in deleted}
        self._next = 1 + max((write.value % CHANGE for write in before), default=-1)
        self._removed: set[str] = set()
        self.acknowledged += before

    def ledger(self) -> list[Acknowledged]:
        """What is acknowledged, without records whose deletion is in flight: both is right of them."""
        acknowledged = list(self.acknowledged)
        deleted = {write.id for write in acknowledged if write.is_deletion}
        in_flight = self._removed - deleted
        return [write for write in acknowledged if write.id not in in_flight]

    def _batch_of(self, call: int) -> list[Acknowledged]:
        turn = self._turns[call % len(self._turns)]
        if turn == NEW or not self._values:
            values = list(range(self._next, self._next + self._batch))
            self._next += self._batch
            return self._writes_of(values)
        wanted = self._batch if turn == UPDATE else -(-self._batch // DELETED_SHARE)
        records = self._choice.sample(list(self._values), min(len(self._values), wanted))
        if turn == UPDATE:
            return self._writes_of([self._values[record] + CHANGE for record in records])
        self._removed |= set(records)  # before it is sent: from now on both is right of them
        values = [self._values.pop(record) for record in records]
        return [replace(new_write(v, self._collection), is_deletion=True) for v in values]

    def _writes_of(self, values: Sequence[int]) -> list[Acknowledged]:
        writes = [new_write(value, self._collection) for value in values]
        self._values |= {write.id: write.value for write in writes}
        return writes

    def _send(self, chroma: Chroma, batch: Sequence[Acknowledged]) -> None:
        if batch[0].is_deletion:
            chroma.delete(self._collection, [write.id for write in batch])
        else:
            super()._send(chroma, batch)
