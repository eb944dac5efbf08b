"""The integrity of a store's tables: SQLite's own checks, and the references between tables."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from pathlib import Path

from chromadrill.chroma.at_rest.database import DAMAGE, Database, StoreUnreadable, copy_privately
from chromadrill.chroma.at_rest.migrations import migration_problems

LOG = logging.getLogger(__name__)
_FTS = "embedding_fulltext_search"
_CHECK = f"INSERT INTO {_FTS}({_FTS}) VALUES('integrity-check')"
_MOST = 10
# Not here: records of a segment that is gone. 0.6.3 and 1.0.0 leave them behind whenever a
# collection is deleted, as 1.5.9 leaves rows of embedding_metadata_array. Nor segments of a collection
# that is gone: 1.5.9 leaves them whenever a database is deleted that has collections. That a collection
# was lost, only a fingerprint can tell.
_REFERENCES = (
    ("databases name a tenant that is gone",
     "databases WHERE tenant_id NOT IN (SELECT id FROM tenants)"),
    ("collections name a database that is gone",
     "collections WHERE database_id NOT IN (SELECT id FROM databases)"),
    ("metadata values name a record that is gone",
     "embedding_metadata WHERE id NOT IN (SELECT id FROM embeddings)"),
)  # fmt: skip


def integrity_problems(db: Database, directory: Path) -> list[str]:
    """Return what is wrong, as sentences; empty for a sound store. `directory` names it in them."""
    problems = []
    try:
        for (line,) in db.rows(f"PRAGMA integrity_check({_MOST})"):
            if line != "ok":
                problems.append(f"SQLite finds damage in {db.file.name} of {directory}: {line}.")
        problems += migration_problems(db)
        problems += _full_text(db)
        for text, rest in _REFERENCES:
            row = db.one(f"SELECT count(*) FROM {rest}")
            if row and row[0]:
                problems.append(f"{row[0]} {text}.")
    except StoreUnreadable as error:
        problems.append(str(error))
    return problems


def _full_text(db: Database) -> list[str]:
    if _FTS not in db.tables:
        return [f"The full-text table {_FTS} is missing."]
    # FTS5's check is written as an INSERT, which read-only and immutable connections refuse.
    with tempfile.TemporaryDirectory(prefix="chromadrill-") as scratch:
        copy = Path(scratch) / "copy.sqlite3"
        copy_privately(db.source, copy)
        connection = sqlite3.connect(copy, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=OFF")
            return _full_text_of(connection)
        finally:
            connection.close()


def _full_text_of(copy: sqlite3.Connection) -> list[str]:
    """Check the full-text index of a private copy, which is changed where documents hold NUL."""
    try:
        copy.execute(_CHECK)
    except DAMAGE as error:
        documents = _cut_at_nul(copy)
        if not documents:
            return [f"The full-text index is damaged: {error}."]
        try:
            copy.execute(_CHECK)
        except DAMAGE:
            return [f"The full-text index is damaged: {error}."]
        LOG.warning(
            "%d documents hold a NUL character. SQLite %s finds their full-text index malformed, since"
            " an older SQLite indexed them up to it only. That is no damage: a server answers as"
            " before. Words behind the NUL are not found.",
            documents,
            sqlite3.sqlite_version,
        )
    return []


def _cut_at_nul(copy: sqlite3.Connection) -> int:
    """Cut the indexed texts at their first NUL, as SQLite 3.40 does; return how many had one.

    A newer SQLite (measured with 3.54) reads such a text to its end, and finds words that the index
    never had (chroma 7388).
    """
    sql = (
        f"UPDATE {_FTS}_content SET c0 = substr(c0, 1, instr(c0, char(0)) - 1)"
        " WHERE instr(c0, char(0)) > 0"
    )
    try:
        return copy.execute(sql).rowcount
    except DAMAGE:
        return 0
