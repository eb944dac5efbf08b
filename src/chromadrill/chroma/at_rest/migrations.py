"""The tables and columns of a store against the migrations that it says it has taken in.

A server believes the table `migrations`. What is recorded there and missing in the store is a query
that fails on every call; what is there and not recorded is made a second time, and the start fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from chromadrill.chroma.at_rest.database import KNOWN_HEADS, Database

# migration -> table -> the columns that it makes, as far as calls of 1.5.9 fail without them
# (measured: neither maintenance_log nor embeddings.created_at is missed)
_MADE_BY: dict[tuple[str, int], dict[str, tuple[str, ...]]] = {
    ("sysdb", 1): {
        "collection_metadata": ("collection_id", "key", "str_value", "int_value", "float_value")
    },
    ("sysdb", 2): {
        "segments": ("id", "type", "scope", "collection"),
        "segment_metadata": ("segment_id", "key", "str_value", "int_value", "float_value"),
    },
    ("sysdb", 4): {
        "tenants": ("id",),
        "databases": ("id", "name", "tenant_id"),
        "collections": ("id", "name", "dimension", "database_id"),
    },
    ("sysdb", 6): {"collection_metadata": ("bool_value",), "segment_metadata": ("bool_value",)},
    ("sysdb", 7): {"collections": ("config_json_str",)},
    ("sysdb", 10): {"collections": ("schema_str",)},
    ("metadb", 1): {
        "embeddings": ("id", "segment_id", "embedding_id", "seq_id"),
        "embedding_metadata": ("id", "key", "string_value", "int_value", "float_value"),
        "max_seq_id": ("segment_id", "seq_id"),
    },
    ("metadb", 2): {"embedding_metadata": ("bool_value",)},
    ("metadb", 6): {
        "embedding_metadata_array":
            ("id", "key", "string_value", "int_value", "float_value", "bool_value"),
    },
    ("embeddings_queue", 1): {
        "embeddings_queue":
            ("seq_id", "created_at", "operation", "topic", "id", "vector", "encoding", "metadata"),
    },
    ("embeddings_queue", 2): {"embeddings_queue_config": ("id", "config_json_str")},
}  # fmt: skip
_IF_NOT_EXISTS = {("metadb", 6)}  # applied again without harm
_OTHER_COPY = "Restore another backup"


def migration_problems(db: Database) -> list[str]:
    """Return why no server can serve the store, as sentences; empty for a sound one."""
    return [*_rows(db), *_tables(db)]


def missing_columns(db: Database) -> Iterator[str]:
    """Yield what a table lacks of what a recorded migration made in it; nothing of tables not there."""
    for (name, number), tables in _MADE_BY.items():
        for table, columns in tables.items():
            present = db.columns(table) if table in db.tables else set()
            if present and number <= db.versions.get(name, 0):
                # capitals and small letters are the same to SQLite
                for column in sorted(set(columns) - set(map(str.lower, present))):
                    yield (
                        f"Table {table} has no column {column}, though migration {name} {number} is"
                        " recorded"
                    )


def _rows(db: Database) -> Iterator[str]:
    recorded: dict[str, set[int]] = {}
    for name, number, text, digest in db.rows("SELECT dir, version, sql, hash FROM migrations"):
        if name not in KNOWN_HEADS:
            continue
        recorded.setdefault(name, set()).add(number)
        if isinstance(text, str) and digest not in _digests(text):
            yield (
                f"Table migrations: the hash of {name} {number} is not that of its text; a server"
                f" refuses to start. {_OTHER_COPY}."
            )
    for name, numbers in recorded.items():
        for number in sorted(set(range(1, db.versions.get(name, 0) + 1)) - numbers):
            yield (
                f"Table migrations: {name} {number} is not recorded between others of its set; a"
                f" server refuses to start. {_OTHER_COPY}."
            )


def _digests(text: str) -> tuple[str, str]:
    # md5 unless `sqlitedb.hash_type` says sha256
    raw = text.encode("utf-8", "surrogatepass")
    return hashlib.md5(raw, usedforsecurity=False).hexdigest(), hashlib.sha256(raw).hexdigest()


def _tables(db: Database) -> Iterator[str]:
    for missing in missing_columns(db):
        yield f"{missing}; calls that need it fail. {_OTHER_COPY}."
    for (name, number), tables in _MADE_BY.items():
        is_recorded = number <= db.versions.get(name, 0)
        for table, columns in tables.items():
            present = db.columns(table) if table in db.tables else set()
            if is_recorded and not present:
                yield (
                    f"Table {table} is missing, though migration {name} {number} is recorded; calls"
                    f" that need it fail. {_OTHER_COPY}."
                )
            already = ", ".join(sorted(present & set(columns)))
            if already and not is_recorded and (name, number) not in _IF_NOT_EXISTS:
                yield (
                    f"Table {table} has {already} already, though migration {name} {number} is not"
                    f" recorded; a server that applies it fails at its start. {_OTHER_COPY}."
                )
