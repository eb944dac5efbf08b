"""A store: a Chroma data directory read without a server. Nothing in the directory is written.

The records are what a 1.5.9 server on the same directory would answer, vectors bit for bit.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from chromadrill.chroma.at_rest.database import Database, StoreUnknown, StoreUnreadable
from chromadrill.chroma.at_rest.log import (
    Stretch,
    as_seq_id,
    record_changes,
    stretches,
    unpurged_until,
)
from chromadrill.chroma.at_rest.records import Raw, RecordSource, split
from chromadrill.chroma.at_rest.schema import (
    from_schema,
    parse_object,
    schema_from_config,
    space_in_use,
)
from chromadrill.chroma.at_rest.vectors import VectorSource
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.model import CollectionInfo, Page

__all__ = ["Segment", "Store", "StoreUnknown", "StoreUnreadable"]

PAGE = 1000  # records: twice as many no longer fit into a core's own cache, and cost a tenth more


class Segment(NamedTuple):
    """One row of `segments` with its newest synced sequence number (0: none recorded)."""

    id: str
    synced: int


class Store:
    """One store, open for reading. Every method may raise StoreUnreadable or StoreUnknown.

    `versions`: migration set -> number of its newest migration, as text, and `user_version`.
    """

    def __init__(self, path: Path, db: Database) -> None:
        self.path = path
        self.db = db
        self.versions = {name: str(head) for name, head in db.versions.items()}
        row = db.one("PRAGMA user_version")
        self.versions["user_version"] = str(row[0]) if row else "0"
        self._records: dict[str, RecordSource] = {}
        self._vectors: dict[str, VectorSource] = {}

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the directory `path`. Raises StoreUnreadable or StoreUnknown."""
        return cls(path, Database(path))

    def close(self) -> None:
        """Close the database; a private copy of it is removed."""
        self.db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def beside(self, db: Database) -> Store:
        """Return this store over a second connection, for another thread, with what was read so far."""
        twin = copy.copy(self)
        twin.db = db
        twin._records = {key: source.beside(db) for key, source in self._records.items()}
        twin._vectors = dict(self._vectors)
        return twin

    def tenants(self) -> list[str]:
        """Return the names of all tenants, sorted."""
        return [str(row[0]) for row in self.db.rows("SELECT id FROM tenants ORDER BY id")]

    def newest_write(self, *, but: Sequence[str] = ()) -> str | None:
        """Return when the log's newest entry was written, UTC; None where the log is empty.

        `but`: tenants whose entries do not count. Other tables do not say: an upsert leaves
        `embeddings.created_at` as it is (measured on 1.5.9).
        """
        sql = (
            "SELECT created_at FROM embeddings_queue WHERE NOT EXISTS (SELECT 1 FROM collections c"
            " JOIN databases d ON d.id = c.database_id"
            f" WHERE d.tenant_id IN ({', '.join('?' * len(but))}) AND topic LIKE '%/' || c.id)"
            " ORDER BY seq_id DESC LIMIT 1"
        )
        row = self.db.one(sql, *but)
        try:
            return time_text(parse_time(str(row[0]))) if row else None
        except ValueError:
            return None  # a damaged row says nothing

    def databases(self) -> list[tuple[str, str]]:
        """Return (tenant, database) of all databases, sorted."""
        sql = "SELECT tenant_id, name FROM databases ORDER BY tenant_id, name"
        return [(str(tenant), str(name)) for tenant, name in self.db.rows(sql)]

    def collections(self) -> list[CollectionInfo]:
        """Return the collections whose database row exists, sorted by tenant, database, name."""
        columns = self.db.columns("collections")
        config = "c.config_json_str" if "config_json_str" in columns else "NULL"
        schema = "c.schema_str" if "schema_str" in columns else "NULL"
        sql = (
            f"SELECT c.id, c.name, d.tenant_id, d.name, c.dimension, {config}, {schema} "
            "FROM collections c JOIN databases d ON d.id = c.database_id "
            "ORDER BY d.tenant_id, d.name, c.name"
        )
        return [self._info(*row) for row in list(self.db.rows(sql))]

    def count(self, info: CollectionInfo) -> int:
        """Return the number of live records."""
        return len(self.records(info))

    def pages(self, info: CollectionInfo, size: int = PAGE) -> Iterator[Page]:
        """Yield every live record, `size` to a page, in the server's order.

        Memory holds one page, the ids of the index and 8 bytes a record.
        """
        records, vectors = self.records(info), self.vectors(info)
        dimension = _dimension(info, vectors)
        # A damaged dimension must not become a giant page: 256 MB of vectors at most.
        size = max(1, min(size, 2**26 // max(1, dimension)))
        for page in records.pages(size):
            yield _page(page, vectors, dimension)

    def sample(self, info: CollectionInfo, wanted: int, ids: Sequence[str] = ()) -> Page:
        """Return about `wanted` records spread over the collection, or the records `ids`."""
        records, vectors = self.records(info), self.vectors(info)
        segment = self.segment(info, "METADATA")
        rows = records.select(segment.id, ids) if ids and segment else records.sample(wanted)
        return _page(rows, vectors, _dimension(info, vectors))

    def segment(self, info: CollectionInfo, scope: str) -> Segment | None:
        """Return the collection's segment, VECTOR or METADATA; None where its row is gone."""
        sql = (
            "SELECT s.id, m.seq_id FROM segments s LEFT JOIN max_seq_id m ON m.segment_id = s.id "
            "WHERE s.collection = ? AND s.scope = ?"
        )
        row = self.db.one(sql, info.id, scope)
        return Segment(str(row[0]), as_seq_id(row[1]) or 0) if row else None

    def stretch(self, info: CollectionInfo) -> Stretch | None:
        """Return where the collection's entries lie in the write-ahead log, None where it has none."""
        return self._stretches.get(info.id)

    @cached_property
    def unpurged_until(self) -> int:
        """The number up to which the write-ahead log has every entry, of any collection; 0: none."""
        return unpurged_until(self.db)

    def records(self, info: CollectionInfo) -> RecordSource:
        """Return the source of the collection's ids, documents, metadata and uris.

        That of the collection asked for last is kept, and so are its vectors.
        """
        if info.id not in self._records:
            self._records = {info.id: self._read_records(info)}
        return self._records[info.id]

    def _read_records(self, info: CollectionInfo) -> RecordSource:
        segment = self.segment(info, "METADATA")
        if segment is None:
            raise StoreUnreadable(f"Collection {info.name} has lost its METADATA segment row.")
        changes = record_changes(self.db, self.stretch(info), segment.synced, segment.id)
        return RecordSource(self.db, segment.id, changes)

    def vectors(self, info: CollectionInfo) -> VectorSource:
        """Return the source of the collection's vectors."""
        if info.id not in self._vectors:
            self._vectors = {info.id: self._read_vectors(info)}
        return self._vectors[info.id]

    def forget(self, info: CollectionInfo) -> None:
        """Give back the memory of a collection that is read: some 40 bytes a record."""
        self._records.pop(info.id, None)
        self._vectors.pop(info.id, None)

    def _read_vectors(self, info: CollectionInfo) -> VectorSource:
        segment = self.segment(info, "VECTOR")
        id_, synced = segment if segment else (None, 0)
        return VectorSource(self.db, self.path, info, id_, synced, self.stretch(info))

    @cached_property
    def _stretches(self) -> dict[str, Stretch]:
        return stretches(self.db)

    def _info(
        self, id_: str, name: str, tenant: str, database: str, dimension: object,
        config_text: object, schema_text: object,
    ) -> CollectionInfo:  # fmt: skip
        schema, config = parse_object(schema_text), parse_object(config_text)
        if schema_text is None:
            schema = schema_from_config(config or {})
        sql = (
            "SELECT m.* FROM segment_metadata m JOIN segments s ON s.id = m.segment_id "
            "WHERE s.collection = ? AND s.scope = 'VECTOR'"
        )
        configuration = from_schema(schema) if schema else None
        return CollectionInfo(
            id=id_,
            name=name,
            tenant=tenant,
            database=database,
            dimension=dimension if isinstance(dimension, int) else None,
            metadata=self._metadata(
                "SELECT * FROM collection_metadata WHERE collection_id = ?", id_
            ),
            configuration=configuration,
            schema=schema,
            space=space_in_use(configuration, self._metadata(sql, id_) or {}),
        )

    def _metadata(self, sql: str, key: str) -> dict[str, Any] | None:
        metadata: dict[str, Any] = {}
        for row in self.db.rows(sql, key):
            _, name, text, integer, real, *rest = row
            if rest and rest[0] is not None:
                metadata[str(name)] = rest[0] != 0
            else:
                metadata[str(name)] = next(
                    (v for v in (text, integer, real) if v is not None), None
                )
        return metadata or None


def _dimension(info: CollectionInfo, vectors: VectorSource) -> int:
    dimension = info.dimension
    if dimension is None:
        dimension = vectors.index.header.dimension if vectors.index else 0
    if not 0 <= dimension < 2**20:
        raise StoreUnreadable(f"Collection {info.name} has an absurd dimension, {dimension}.")
    return dimension


def _page(page: Sequence[tuple[str, Raw]], vectors: VectorSource, dimension: int) -> Page:
    ids = [id_ for id_, _ in page]
    columns = split([raw for _, raw in page])
    matrix, missing = vectors.fetch(ids, dimension)
    return Page(ids, *columns, matrix, tuple(missing))
