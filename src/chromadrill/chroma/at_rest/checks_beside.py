"""The checks that SQLite makes, in a thread beside the reading of the records.

SQLite runs them without Python's lock: on two cores they cost no time, half of a fingerprint's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

from chromadrill.chroma.at_rest.database import Database
from chromadrill.chroma.at_rest.integrity import integrity_problems
from chromadrill.chroma.at_rest.store import Segment
from chromadrill.chroma.at_rest.tables import TableQuestions
from chromadrill.core.clock import now

_Problems = list[str]


class ChecksBeside:
    """The problems of tables, segment by segment, and then of the whole file, found by one thread.

    The segments come first: a collection's structure waits for them. `seconds`: what the checks of the
    whole file took.
    """

    def __init__(self, db: Database, directory: Path) -> None:
        self._db, self._directory = db, directory
        self._twin: Database | None = None
        self._questions: TableQuestions | None = None
        self._of_tables: dict[str, Future[_Problems]] = {}
        self._of_file: Future[_Problems] | None = None
        self._is_over = False
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1, "checks")
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        if twin := self._twin:  # nobody waits for an answer any more
            with suppress(sqlite3.ProgrammingError):  # it came just now
                twin.interrupt()
        self._pool.submit(self._close)
        self._pool.shutdown()

    def start(self, segments: Iterable[Segment]) -> None:
        """Begin with the tables of METADATA segments, then check the whole file."""
        for segment in segments:
            self._of_tables[segment.id] = self._submit(self._table_problems, segment)
        self._of_file = self._submit(self._file_problems)

    def table_problems(self, metadata: Segment) -> _Problems:
        """Wait for the problems of one segment's tables; raises what the check raises."""
        future = self._of_tables.pop(metadata.id, None)
        return (future or self._submit(self._table_problems, metadata)).result()

    def file_problems(self) -> _Problems:
        """Wait for the problems of the whole file; raises what the checks raise."""
        return (self._of_file or self._submit(self._file_problems)).result()

    def _submit(self, check: Callable[..., _Problems], *args: Segment) -> Future[_Problems]:
        def run() -> _Problems:
            if self._is_over:
                return []
            if self._twin is None:
                self._twin = self._db.twin()
            return check(self._twin, *args)

        return self._pool.submit(run)

    def _table_problems(self, db: Database, segment: Segment) -> _Problems:
        if self._questions is None:
            self._questions = TableQuestions(db)
        return self._questions.problems(segment)

    def _file_problems(self, db: Database) -> _Problems:
        started = now()
        try:
            return integrity_problems(db, self._directory)
        finally:
            self.seconds = now() - started

    def _close(self) -> None:
        twin, self._twin = self._twin, None
        if twin:
            twin.close()
