"""The embedding step of a rebuild, by workers: tasks out, checked vectors back, few at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from chromadrill.core.errors import Unavailable
from chromadrill.recovery.embedding_step import Batch
from chromadrill.recovery.sources.rows import KeyRange, Row
from chromadrill.recovery.workers.canary import Canary
from chromadrill.recovery.workers.pool import GOES_ON, Pool
from chromadrill.recovery.workers.tasks import Task, TaskResult, WorkerFailure

FAILURES = 3  # in a row of one worker, or of one task: then it is not tried once more


@dataclass(slots=True)
class WorkerShare:
    """What a worker did: documents that were written, and the seconds they took it."""

    documents: int = 0
    seconds: float = 0.0
    refused: str = ""


@dataclass(slots=True)
class ByWorkers:
    """An `EmbeddingStep`. `can_read`: workers read the documents themselves; else they are sent.

    `shares`: by the name of the worker.
    """

    pool: Pool
    canary: Canary
    say: Callable[[str], None]
    can_read: bool
    shares: dict[str, WorkerShare] = field(default_factory=dict)
    _rows: dict[int, tuple[Task, list[Row]]] = field(default_factory=dict)
    _number: int = 0
    _failures: Counter[str | int] = field(default_factory=Counter)

    def put(self, rows: list[Row], keys: KeyRange | None) -> Iterator[Batch]:
        self._number += 1
        task = Task(self._number, tuple(row.id for row in rows), keys)
        self._rows[task.number] = (task, rows)
        self._put(task)
        while len(self._rows) >= self.pool.capacity:
            yield from self._finished()

    def rest(self) -> Iterator[Batch]:
        while self._rows:
            yield from self._finished()

    def _put(self, task: Task) -> None:
        if not self.can_read or task.keys is None:
            texts = tuple(row.content for row in self._rows[task.number][1])
            task = replace(task, texts=texts)
        self.pool.put(task)

    def _finished(self) -> Iterator[Batch]:
        """What has come and is right, in one batch: the server takes few large ones faster.

        Where one of the results cannot be gone on with, what came before it is handed over first.
        """
        rows, vectors, failure = list[Row](), list[np.ndarray](), None
        for result in self.pool.results():
            if result.number not in self._rows:  # of a worker that was refused meanwhile
                continue
            try:
                right = self._take(result)
            except Unavailable as error:
                failure = error
                break
            if right:
                rows += right
                vectors.append(np.asarray(result.vectors, np.float32))
        if rows:
            yield rows, np.concatenate(vectors)
        if failure:
            raise failure

    def _take(self, result: TaskResult) -> list[Row]:
        """The rows whose vectors are in the result and are the model's; the others are put again."""
        task, rows = self._rows[result.number]
        share = self.shares.setdefault(result.worker, WorkerShare())
        if share.refused:
            self._put(task)
            return []
        right = [rows[place] for place in result.places] if result.failure else rows
        if right:
            if reason := self.canary.fault(right, result):
                share.refused = reason
                self.pool.refuse(result.worker, reason)
                self._put(task)
                return []
            self._count(share, result, len(right))
            self._settle(task, set(result.places) if result.failure else set(range(len(rows))))
        if result.failure and result.number in self._rows:
            self._try_again(self._rows[result.number][0], result.worker, result.failure)
        return right

    def _settle(self, task: Task, places: set[int]) -> None:
        """The documents at `places` of the task are embedded: it is the rest of them from now on."""
        _, rows = self._rows.pop(task.number)
        if rest := [row for place, row in enumerate(rows) if place not in places]:
            smaller = replace(task, ids=tuple(row.id for row in rest))
            self._rows[task.number] = (smaller, rest)

    def _count(self, share: WorkerShare, result: TaskResult, documents: int) -> None:
        share.documents += documents
        share.seconds += result.seconds
        self._failures.pop(result.worker, None)
        self._failures.pop(result.number, None)

    def _try_again(self, task: Task, worker: str, failure: WorkerFailure) -> None:
        if failure.is_source:
            if self.can_read:
                self.say(
                    f"{worker} cannot read the source: {failure.sentence.rstrip('.')}."
                    " From now on the documents are sent to the workers."
                )
            self.can_read = False
            self._put(task)
            return
        self._failures[worker] += 1
        self._failures[task.number] += 1
        if self._failures[task.number] >= FAILURES:
            raise Unavailable(
                f"The documents '{task.ids[0]}' to '{task.ids[-1]}' could not be embedded,"
                f" {FAILURES} times: {failure.sentence}",
                next_step=f"{failure.next_step} {GOES_ON}".strip(),
            )
        if self._failures[worker] >= FAILURES:
            self.shares[worker].refused = failure.sentence
            self.pool.refuse(worker, failure.sentence)
        self._put(task)
