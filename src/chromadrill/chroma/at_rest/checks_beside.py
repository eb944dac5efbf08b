"""The checks of a store's structure, in a thread beside the reading of its records.

Half of a fingerprint's processor time is SQLite's own checks, and numpy's over index files. Both work
without Python's lock, so that a second thread takes that half to a second core. Processes would have
to read the maps of ids twice, and cost a start each.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Self

from chromadrill.chroma.at_rest.database import Database
from chromadrill.chroma.at_rest.integrity import integrity_problems
from chromadrill.chroma.at_rest.store import Store
from chromadrill.chroma.at_rest.structure import structure_problems
from chromadrill.chroma.at_rest.tables import TableQuestions
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo

Problems = list[str]
_INTERRUPT_EVERY_S = 0.02
_MOST_WAITING = 250_000  # records, whose ids and labels stay in memory until they are checked


class ChecksBeside:
    """One thread that checks collections as they are read, and after the first one the whole file.

    `structure_s`, `integrity_s`: what the checks of all collections and of the file took.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._twin: Database | None = None
        self._questions: TableQuestions | None = None
        self._waiting: deque[tuple[int, Future[Problems]]] = deque()
        self._of_file: Future[Problems] | None = None
        self._is_over = False
        self.structure_s = self.integrity_s = 0.0

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1, "checks")
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        closing = self._pool.submit(self._close)
        # nobody waits for an answer any more; a query that is about to begin is not interrupted yet
        while wait([closing], timeout=_INTERRUPT_EVERY_S).not_done:
            if twin := self._twin:
                with suppress(sqlite3.ProgrammingError):  # it was closed just now
                    twin.interrupt()
        self._pool.shutdown()

    def check(self, info: CollectionInfo, records: int) -> Future[Problems]:
        """Begin to check a collection, whose sources the store has read."""
        while self._waiting and sum(count for count, _ in self._waiting) > _MOST_WAITING:
            wait([self._waiting.popleft()[1]])
        future = self._submit(self._structure, self._store.beside(self._store.db), info)
        self._waiting.append((records, future))
        self._begin_file()
        return future

    def file_problems(self) -> Problems:
        """Wait for the problems of the whole file; raises what the checks raise."""
        return self._begin_file().result()

    def _begin_file(self) -> Future[Problems]:
        if self._of_file is None:
            self._of_file = self._submit(self._integrity)
        return self._of_file

    def _submit(self, check: Callable[..., Problems], *args: Any) -> Future[Problems]:
        def run() -> Problems:
            if self._is_over:
                return []
            if self._twin is None:
                self._twin = self._store.db.twin()
            return check(self._twin, *args)

        return self._pool.submit(run)

    def _structure(self, db: Database, store: Store, info: CollectionInfo) -> Problems:
        started = now()
        if self._questions is None:
            self._questions = TableQuestions(db)
        try:
            return structure_problems(store.beside(db), info, self._questions.problems)
        finally:
            self.structure_s += now() - started

    def _integrity(self, db: Database) -> Problems:
        started = now()
        try:
            return integrity_problems(db, self._store.path)
        finally:
            self.integrity_s = now() - started

    def _close(self) -> None:
        twin, self._twin = self._twin, None
        if twin:
            twin.close()
