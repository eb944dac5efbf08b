"""The write-ahead log (`embeddings_queue`): what was written since an index or table last synced.

Operations: 0 add (ignored where the id exists), 1 update (ignored where it does not), 2 upsert,
3 delete.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

import orjson

from chromadrill.chroma.at_rest.database import Database, StoreUnreadable

ADD, UPDATE, UPSERT, DELETE = range(4)
DELETED = -1


class Stretch(NamedTuple):
    """Where one collection's entries lie in the queue: sequence numbers, both inclusive."""

    topic: str
    first: int
    last: int


def stretches(db: Database) -> dict[str, Stretch]:
    """Return collection id -> its stretch of the queue. A topic ends with the collection's id.

    Raises StoreUnreadable where damage hides the numbers.
    """
    by_collection: dict[str, Stretch] = {}
    sql = "SELECT topic, min(seq_id), max(seq_id) FROM embeddings_queue GROUP BY topic"
    for topic, first, last in db.rows(sql):
        if not (isinstance(first, int) and isinstance(last, int)):  # damage of the schema, too
            raise StoreUnreadable("The queue of writes holds an entry without a sequence number.")
        by_collection[str(topic).rpartition("/")[2]] = Stretch(str(topic), first, last)
    return by_collection


def newest_seq_id(db: Database) -> int:
    """Return the newest sequence number in the whole queue, 0 for an empty one."""
    row = db.one("SELECT max(seq_id) FROM embeddings_queue")
    return int(row[0]) if row and isinstance(row[0], int) else 0


def unpurged_until(db: Database) -> int:
    """Return the number up to which the queue has every entry from the first one on, 0 for none."""
    if not db.one("SELECT 1 FROM embeddings_queue WHERE seq_id = 1"):
        return 0
    sql = (
        "SELECT q.seq_id FROM embeddings_queue q WHERE q.seq_id >= 1 AND NOT EXISTS"
        " (SELECT 1 FROM embeddings_queue n WHERE n.seq_id = q.seq_id + 1) ORDER BY q.seq_id LIMIT 1"
    )
    row = db.one(sql)
    return int(row[0]) if row else 0


def as_seq_id(value: object) -> int | None:
    """Return a sequence number from an integer or the 8 bytes of servers before 1.0, else None."""
    if isinstance(value, int):
        return value
    if isinstance(value, bytes) and len(value) == 8:
        return int.from_bytes(value, "big")
    return None


def entries(db: Database, stretch: Stretch, after: int, columns: str) -> Iterator[tuple[Any, ...]]:
    """Return (seq_id, operation, id, *columns) of the entries newer than `after`, in their order."""
    sql = (
        f"SELECT seq_id, operation, id, {columns} FROM embeddings_queue "
        "WHERE seq_id BETWEEN ? AND ? AND topic = ? ORDER BY seq_id"
    )
    return db.rows(sql, max(stretch.first, after + 1), stretch.last, stretch.topic)


def vector_changes(
    db: Database, stretch: Stretch | None, after: int, indexed: Container[str]
) -> dict[str, int]:
    """Return the changes since `after`: record id -> the entry that has its vector now, or DELETED.

    `indexed`: the ids that the index holds.
    """
    changed: dict[str, int] = {}
    if stretch is None:
        return changed
    for seq, operation, id_, has_vector in entries(db, stretch, after, "vector IS NOT NULL"):
        if operation == DELETE:
            changed[id_] = DELETED
        elif has_vector and operation in (ADD, UPDATE, UPSERT):
            # an update of nothing is ignored, and so is the addition of what is there
            wanted = operation == UPDATE
            if operation == UPSERT or _is_present(id_, changed, indexed) == wanted:
                changed[id_] = seq
    return changed


def _is_present(id_: str, changed: dict[str, int], indexed: Container[str]) -> bool:
    state = changed.get(id_)
    return state != DELETED if state is not None else id_ in indexed


class RecordChange:
    """What the log does to one record: `values` replace it where it is `created`, else merge in."""

    __slots__ = ("alive", "created", "values")

    def __init__(self) -> None:
        self.alive = True
        self.created = False
        self.values: dict[str, Any] = {}

    def apply(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the record's raw metadata after the change; null and an empty list remove a key."""
        both = self.values if self.created else {**raw, **self.values}
        return {key: value for key, value in both.items() if value is not None and value != []}


def record_changes(
    db: Database, stretch: Stretch | None, after: int, segment: str
) -> dict[str, RecordChange]:
    """Return record id -> the change that the tables have not taken in yet.

    A server that was killed between its transactions leaves such changes. Records created again come
    last in the mapping's order, as their new row numbers do. Raises StoreUnreadable.
    """
    changes: dict[str, RecordChange] = {}
    if stretch is None:
        return changes
    for _, operation, id_, text in entries(db, stretch, after, "metadata"):
        change = changes.get(id_)
        if change is not None:
            present = change.alive
        else:
            sql = "SELECT 1 FROM embeddings WHERE segment_id = ? AND embedding_id = ?"
            present = db.one(sql, segment, id_) is not None
        if operation == DELETE:
            if present:
                change = changes.setdefault(id_, RecordChange())
                change.alive, change.created, change.values = False, False, {}
        elif present and operation in (UPDATE, UPSERT):
            changes.setdefault(id_, RecordChange()).values.update(_values(text))
        elif not present and operation in (ADD, UPSERT):
            changes.pop(id_, None)
            changes[id_] = change = RecordChange()
            change.created, change.values = True, _values(text)
    return changes


def _values(text: object) -> dict[str, Any]:
    try:
        values = orjson.loads(text) if isinstance(text, str) else {}
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        raise StoreUnreadable("An entry of embeddings_queue holds metadata that is not JSON.")
    return values
