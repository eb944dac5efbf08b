"""A cold Chroma 1.5 data directory: what it holds, and its database opened for editing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SQLITE = "chroma.sqlite3"
PICKLE = "index_metadata.pickle"
BINS = ("data_level0.bin", "header.bin", "length.bin", "link_lists.bin")

_COLLECTIONS = """
SELECT c.id, d.tenant_id, d.name, c.name, c.dimension, c.schema_str, v.id, m.id,
       COALESCE((SELECT seq_id FROM max_seq_id WHERE segment_id = v.id), 0),
       (SELECT COUNT(*) FROM embeddings e WHERE e.segment_id = m.id)
FROM collections c
JOIN databases d ON d.id = c.database_id
JOIN segments v ON v.collection = c.id AND v.scope = 'VECTOR'
JOIN segments m ON m.collection = c.id AND m.scope = 'METADATA'
ORDER BY 10 DESC, d.tenant_id, d.name, c.name
"""


@dataclass(frozen=True)
class Collection:
    """One collection as the files at rest describe it."""

    id: str
    tenant: str
    database: str
    name: str
    dimension: int | None
    space: str
    vector: str
    metadata: str
    synced: int
    count: int
    directory: Path

    @property
    def key(self) -> str:
        """The name people use for it: tenant/database/name."""
        return f"{self.tenant}/{self.database}/{self.name}"

    @property
    def topic(self) -> str:
        """Where its entries stand in embeddings_queue."""
        return f"persistent://default/default/{self.id}"

    @property
    def is_indexed(self) -> bool:
        """True when some of its vectors live only in the segment directory."""
        return (self.directory / PICKLE).is_file()


@dataclass(frozen=True)
class QueueEntry:
    """The newest entry of a live record in the tail that the index has not taken in yet."""

    seq_id: int
    record: str
    vector: bytes


@dataclass
class StoreEditor:
    """A data directory; `older` is the same store at an earlier instant, where a fault needs it."""

    root: Path
    older: Path | None = None
    _known: list[Collection] | None = field(default=None, repr=False)

    @property
    def sqlite(self) -> Path:
        """The database file."""
        return self.root / SQLITE

    @contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode (VACUUM, PRAGMA)."""
        if not self.sqlite.is_file():
            raise LookupError(f"There is no {SQLITE} in {self.root}.")
        connection = sqlite3.connect(self.sqlite, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def edit(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one transaction, committed at the end."""
        with self.raw() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def earlier(self) -> Path:
        """The older instant, or LookupError."""
        if self.older is None or not (self.older / SQLITE).is_file():
            raise LookupError("This fault needs an older copy of the same store (older=...).")
        return self.older

    def collections(self) -> list[Collection]:
        """All collections, largest first."""
        if self._known is None:
            with self.raw() as connection:
                rows = connection.execute(_COLLECTIONS).fetchall()
            self._known = [
                Collection(r[0], r[1], r[2], r[3], r[4], space_of(r[5]), r[6], r[7], int(r[8]),
                           int(r[9]), self.root / r[6])
                for r in rows
            ]  # fmt: skip
        return self._known

    def tail(self, collection: Collection) -> list[QueueEntry]:
        """Live records whose newest vector lies only in the queue, oldest first."""
        with self.raw() as connection:
            # a bare column beside MAX() comes from the row of the maximum: the newest entry
            rows = connection.execute(
                "SELECT MAX(seq_id) AS seq, id, vector, operation FROM embeddings_queue"
                " WHERE topic = ? AND seq_id > ? GROUP BY id"
                " HAVING vector IS NOT NULL AND operation <> 3 ORDER BY seq",
                (collection.topic, collection.synced),
            ).fetchall()
            live = {
                row[0]
                for row in connection.execute(
                    "SELECT embedding_id FROM embeddings WHERE segment_id = ?",
                    (collection.metadata,),
                )
            }
        return [QueueEntry(row[0], row[1], row[2]) for row in rows if row[1] in live]


def space_of(schema: str | None) -> str:
    """The distance space in schema_str (config_json_str is `{}` on 1.5.9)."""
    config = json.loads(schema or "{}")
    for step in ("keys", "#embedding", "float_list", "vector_index", "config"):
        config = config.get(step) or {}
    return str(config.get("space", "l2"))
