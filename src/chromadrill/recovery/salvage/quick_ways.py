"""The quick ways back: a copy of the directory in which only the damaged part is made anew.

Each step changes a copy, and the copy is read as a whole afterwards: a copy that is not sound, or in
which a record has lost its vector, is thrown away. The original is only read.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.database import DAMAGE, FILE_NAME
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import ReadError
from chromadrill.core.plural import plural
from chromadrill.recovery.salvage.readable_store import ReadableStore
from chromadrill.recovery.salvage.reading import WholeRecords
from chromadrill.recovery.salvage.segments import is_segment_name

_DIFFERENT = (
    "SELECT count(*) FROM embedding_fulltext_search_content t JOIN embedding_metadata m ON m.id = t.id"
    " AND m.key = 'chroma:document' WHERE m.string_value <> t.c0 AND instr(t.c0, char(0)) = 0"
)
_REFILL = (
    "DELETE FROM embedding_fulltext_search_content",
    "INSERT INTO embedding_fulltext_search_content (id, c0) SELECT id, string_value"
    " FROM embedding_metadata WHERE key = 'chroma:document' AND string_value IS NOT NULL",
    "INSERT INTO embedding_fulltext_search(embedding_fulltext_search) VALUES ('rebuild')",
)
_ORPHANS = "DELETE FROM embedding_metadata WHERE id NOT IN (SELECT id FROM embeddings)"


class QuickWay(NamedTuple):
    """`marks`: parts of the sentences of a check that it mends. `mend`: (folder, keys) -> nothing.

    `needs_documents`: the database's own documents have to be sound.
    """

    name: str
    marks: tuple[str, ...]
    mend: Callable[[Path, set[str]], None]


class Plan(NamedTuple):
    """Which quick ways the problems of a directory call for; no `ways` where they are not enough."""

    ways: tuple[QuickWay, ...]
    keys: frozenset[str]

    @property
    def is_replay(self) -> bool:
        """Whether dropping damaged indexes is all: the server replays its queue."""
        return [way.name for way in self.ways] == [REPLAY]

    @property
    def sentence(self) -> str:
        return " and ".join(way.name for way in self.ways)


REPLAY = "damaged indexes are dropped, and made anew from the queue"


def plan_of(errors: Sequence[ReadError]) -> Plan:
    """Return the ways for what a reading of the directory found; none where a problem has no way."""
    ways: list[QuickWay] = []
    keys: set[str] = set()
    for error in errors:
        way = next((way for way in WAYS if any(mark in error.message for mark in way.marks)), None)
        if way is None and error.step not in ("structure", "records", "count"):
            return Plan((), frozenset())
        if way is None:
            way = _DROPPED
            keys.add(error.where)
        if way not in ways:
            ways.append(way)
    return Plan(tuple(ways), frozenset(keys))


def mend(copy: Path, plan: Plan) -> None:
    """Change a copy. Raises Unavailable where SQLite cannot."""
    for way in plan.ways:
        try:
            way.mend(copy, set(plan.keys))
        except DAMAGE as error:
            raise Unavailable(f"{way.name}: not on this database ({error}).") from error


def lost_by_replay(data: Path, copy: Path, keys: Sequence[str]) -> Iterator[ReadError]:
    """Records of `data` to which the queue gives no vector, or never theirs, in a copy without indexes.

    A server ignores the addition of a record that is there. Replayed into an empty index, the same
    addition counts: what a server on the copy will answer is held against what was the record's.
    """
    with Store.open(data) as store, Store.open(copy) as replayed:
        for info in store.collections():
            if info.key not in keys:
                continue
            records, others = WholeRecords(ReadableStore(store), info, None, lambda loss: None), 0
            for page in records.pages(lambda count: None):
                vectors = replayed.vectors(info).fetch(page.ids, page.vectors.shape[1])[0]
                others += int((vectors != page.vectors).any(axis=1).sum())
            findings = records.findings
            if findings.taken < findings.records:
                yield ReadError("records", info.key, findings.sentence)
            if others:
                text = (
                    f"the queue does not give {plural(others, 'record')} the vector that is theirs"
                )
                yield ReadError("records", info.key, text)


def drop_indexes(data: Path, keys: set[str]) -> list[str]:
    """Forget the indexes of these collections; returns the keys of those that had one."""
    with Store.open(data) as store:
        ids = {info.id: info.key for info in store.collections() if info.key in keys}
    dropped = []
    try:
        # opened for writing, SQLite rolls back what was on its way when the power went
        with closing(sqlite3.connect(data / FILE_NAME)) as database, database:
            query = "SELECT id, collection FROM segments WHERE scope = 'VECTOR'"
            for segment, collection in database.execute(query).fetchall():
                if collection not in ids or not is_segment_name(segment):
                    continue
                database.execute("DELETE FROM max_seq_id WHERE segment_id = ?", (segment,))
                shutil.rmtree(data / segment, ignore_errors=True)
                dropped.append(ids[collection])
    except sqlite3.Error as error:
        raise Unavailable(f"{data / FILE_NAME} cannot be changed: {error}") from error
    return dropped


def _run(*statements: str) -> Callable[[Path, set[str]], None]:
    def mend_database(copy: Path, keys: set[str]) -> None:
        del keys
        with closing(sqlite3.connect(copy / FILE_NAME)) as database, database:
            for statement in statements:
                database.execute(statement)

    return mend_database


def _refill(copy: Path, keys: set[str]) -> None:
    """Of two copies of a document that differ, nothing says that the table's is the right one."""
    with closing(sqlite3.connect(copy / FILE_NAME)) as database:
        (different,) = database.execute(_DIFFERENT).fetchone()
    if different:
        raise Unavailable(f"Of {different} documents there are two that differ: no quick way.")
    _run(*_REFILL)(copy, keys)


def _drop(copy: Path, keys: set[str]) -> None:
    drop_indexes(copy, keys)


# the tables have taken in every write that a row of them is of
_SEQUENCE = (
    "INSERT INTO max_seq_id (segment_id, seq_id) SELECT e.segment_id, max(e.seq_id)"
    " FROM embeddings e WHERE e.segment_id NOT IN (SELECT segment_id FROM max_seq_id)"
    " AND typeof(e.seq_id) = 'integer' GROUP BY e.segment_id"
)
WAYS = (
    QuickWay(
        "the full-text index is made anew from the documents",
        ("full-text index is damaged", "full-text entry"),
        _refill,
    ),
    QuickWay(
        "rows that belong to nothing are removed",
        ("metadata values name a record that is gone",),
        _run(_ORPHANS),
    ),
    QuickWay(
        "a lost sequence row is put back from the records",
        ("newer than what their segment claims",),
        _run(_SEQUENCE),
    ),
)
_DROPPED = QuickWay(REPLAY, (), _drop)
