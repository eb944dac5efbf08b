"""A damaged data directory as a store that can be read; the directory itself is only read.

Where SQLite finds its file sound, and no table lacks a column, that file is read. Else a new database
of what its pages still hold is made in a scratch folder, beside links to the folders of the indexes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import orjson

from chromadrill.backups.files import require_room
from chromadrill.chroma.at_rest import Store, StoreUnknown, StoreUnreadable
from chromadrill.chroma.at_rest.database import (
    DAMAGE,
    FILE_NAME,
    KNOWN_HEADS,
    copy_privately,
    immutable_uri,
    names_a_file,
    take_in_journal,
)
from chromadrill.chroma.at_rest.migrations import missing_columns
from chromadrill.chroma.at_rest.records import DOCUMENT, split
from chromadrill.chroma.remains.database import DatabaseRemains, recover
from chromadrill.core import process_tags
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Fingerprint
from chromadrill.core.records.no_room import NoRoom
from chromadrill.recovery.salvage.databases import name_databases
from chromadrill.recovery.salvage.segments import name_segments

PREFIX = "chromadrill-salvage-"
QUEUE = "embeddings_queue"
CONTENT = "embedding_fulltext_search_content"
_PAGE = 1000
# a journal belongs to the file beside it: SQLite rolls the copy back as a server would the original
_BESIDE = (f"{FILE_NAME}-journal", f"{FILE_NAME}-wal")
_KEEP_VECTOR = (
    "UPDATE embeddings_queue SET metadata = NULL WHERE seq_id = ? AND EXISTS ("
    " SELECT 1 FROM embeddings e JOIN segments s ON s.id = e.segment_id"
    " WHERE e.embedding_id = embeddings_queue.id AND typeof(e.seq_id) = 'integer'"
    " AND e.seq_id >= embeddings_queue.seq_id"
    " AND embeddings_queue.topic LIKE '%/' || s.collection)"
)
_DROP_EMPTY_DOCUMENTS = (
    "DELETE FROM embedding_metadata WHERE key = ? AND string_value IS NULL"
    " AND id IN (SELECT id FROM embedding_fulltext_search_content WHERE c0 IS NOT NULL)"
)
_ADD_DOCUMENTS = (
    "INSERT INTO embedding_metadata (id, key, string_value)"
    " SELECT t.id, ?, t.c0 FROM embedding_fulltext_search_content t"
    " JOIN embeddings e ON e.id = t.id WHERE t.c0 IS NOT NULL AND NOT EXISTS ("
    "  SELECT 1 FROM embedding_metadata m WHERE m.id = t.id AND m.key = ?)"
)


@dataclass(frozen=True, slots=True)
class ReadableStore:
    """`remains`: what was read page by page; None where SQLite reads the file.

    `documents_from_text_index`: records whose document is in the full-text table alone.
    `queue_entries_lost`: entries of the queue that hold no JSON. `databases_named`: rows of databases
    that are lost.
    """

    store: Store
    remains: DatabaseRemains | None = None
    damage: str = ""
    documents_from_text_index: int = 0
    queue_entries_lost: int = 0
    databases_named: int = 0

    @property
    def record_count(self) -> int:
        """Rows of records in the tables, of all collections."""
        row = self.store.db.one("SELECT count(*) FROM embeddings")
        return int(row[0]) if row else 0

    @property
    def has_gaps(self) -> bool:
        """Whether entries of the queue are lost."""
        is_lost = self.remains is not None and self.remains.tables[QUEUE].has_gaps
        return is_lost or bool(self.queue_entries_lost)


@contextmanager
def readable_store(path: Path, before: Fingerprint | None = None) -> Iterator[ReadableStore]:
    """Open the store, or what is left of it. `before`: its last fingerprint, which knows ids.

    Raises Unavailable where nothing of it can be read, StoreUnknown for a format that is not known,
    Refused where there is no room for a copy of the database.
    """
    damage = _damage_of(path)
    if not damage:
        with Store.open(path) as store:
            yield ReadableStore(store)
        return
    process_tags.sweep_folders(PREFIX)
    scratch = process_tags.new_folder(PREFIX)
    try:
        journals = [file.stat().st_size for file in _journals(path)]
        copies = 4 if journals else 3
        require_room(scratch, copies * (path / FILE_NAME).stat().st_size + sum(journals))
        rolled_back = _rolled_back(path, scratch / "copy")
        place = scratch / "data"
        place.mkdir()
        with _room_for(rolled_back):
            remains = recover(rolled_back, place / FILE_NAME)
        shutil.rmtree(rolled_back.parent, ignore_errors=True)
        for folder in path.iterdir():
            if folder.is_dir() and not folder.is_symlink():
                (place / folder.name).symlink_to(folder.resolve())
        with _room_for(place / FILE_NAME):
            mended = _mend(place / FILE_NAME, remains, before)
        try:
            store = Store.open(place)
        except StoreUnreadable as error:
            raise Unavailable(f"{path}: nothing of its database can be read: {error}") from error
        with store:
            yield ReadableStore(store, remains, damage, *mended)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _room_for(file: Path) -> Iterator[None]:
    """Raise NoRoom where SQLite finds the disk full while it writes what is left of `file`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
        raise NoRoom("What is left of the database", file.stat().st_size) from error


def _damage_of(path: Path) -> str:
    """What makes SQLite, or a reader of Chroma's tables, refuse the file; "" where nothing does."""
    try:
        with Store.open(path) as store:
            for (line,) in store.db.rows("PRAGMA quick_check(1)"):
                if line != "ok":
                    return str(line)
            for line in missing_columns(store.db):  # some readers would find no rows, and no error
                return line
            for _ in store.db.rows(
                "SELECT metadata FROM embeddings_queue"
                " WHERE metadata IS NOT NULL AND NOT json_valid(metadata)"
            ):
                return "an entry of embeddings_queue holds no JSON"
            _read_texts(store)
    except StoreUnknown:
        raise
    except StoreUnreadable as error:
        return str(error)
    return ""


def _read_texts(store: Store) -> None:
    """Read what a reader of records reads: SQLite's check passes over a text that is no UTF-8.

    Such a text ends the reading of its collection; page by page it costs its own row. Raises
    StoreUnreadable.
    """
    for info in store.collections():
        store.segment(info, "VECTOR")
        for page in store.records(info).pages(_PAGE):
            split([raw for _, raw in page])
    texts = ["SELECT id FROM embeddings_queue"]
    if CONTENT in store.db.tables:
        texts.append(f"SELECT c0 FROM {CONTENT}")  # noqa: S608
    for sql in texts:
        for _ in store.db.rows(sql):
            pass


class _State(IntEnum):
    """What SQLite makes of a file. The greater one is the better one."""

    REFUSED = 0
    DAMAGED = 1
    SOUND = 2


def _rolled_back(path: Path, folder: Path) -> Path:
    """A copy of the database, rolled back where a journal lies beside it.

    SQLite takes the journal of another store, too, and puts that store's pages among these. So where
    the file is better as it is than rolled back, it is left as it is.
    """
    folder.mkdir()
    copy, as_it_is = folder / FILE_NAME, folder / f"as-it-is-{FILE_NAME}"
    copy_privately(path / FILE_NAME, copy)
    beside = _journals(path)
    for file in beside:
        copy_privately(file, folder / file.name)
    state = _state_of(copy, path / FILE_NAME) if beside else _State.SOUND
    if state is _State.SOUND:
        return copy
    copy_privately(path / FILE_NAME, as_it_is)
    return as_it_is if _state_of(as_it_is, path / FILE_NAME) > state else copy


def _journals(path: Path) -> list[Path]:
    """What SQLite would take in, but a journal that makes it remove another file."""
    files = map(path.joinpath, _BESIDE)
    return [f for f in files if f.is_file() and f.stat().st_size and not names_a_file(f)]


def _state_of(copy: Path, original: Path) -> _State:
    """What SQLite makes of a private copy, which takes in what lies beside it. Raises NoRoom."""
    try:
        take_in_journal(copy, original)
    except DAMAGE:
        return _State.REFUSED
    try:
        with closing(sqlite3.connect(immutable_uri(copy), uri=True)) as database:
            (line,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    except DAMAGE:
        return _State.DAMAGED
    return _State.SOUND if line == "ok" else _State.DAMAGED


def _mend(file: Path, remains: DatabaseRemains, before: Fingerprint | None) -> tuple[int, int, int]:
    """What readers need: the format's numbers, whole entries of the queue, segments, documents.

    Returns how many documents came from the full-text table, how many queue entries were dropped, and
    how many databases were named again.
    """
    with closing(sqlite3.connect(file)) as database, database:
        heads = dict(database.execute("SELECT dir, max(version) FROM migrations GROUP BY dir"))
        for name, head in KNOWN_HEADS.items():
            if not isinstance(heads.get(name), int):
                row = (name, head, "", "", "")
                database.execute("INSERT INTO migrations VALUES (?, ?, ?, ?, ?)", row)
        # of a document's row an index may know the key alone
        database.execute(_DROP_EMPTY_DOCUMENTS, (DOCUMENT,))
        documents = database.execute(_ADD_DOCUMENTS, (DOCUMENT, DOCUMENT)).rowcount
        name_segments(database, before)
        # else a database that is not there was deleted
        is_lost = remains.tables["databases"].has_gaps
        databases = name_databases(database, before) if is_lost else 0
        broken = [
            (seq,)
            for seq, text in database.execute("SELECT seq_id, metadata FROM embeddings_queue")
            if not _is_object(text)
        ]
        # the tables have what such an entry said, where they have that write: its vector can stay
        database.executemany(_KEEP_VECTOR, broken)
        broken = [
            row
            for row in broken
            if database.execute(
                "SELECT metadata FROM embeddings_queue WHERE seq_id = ?", row
            ).fetchone()
            != (None,)
        ]
        database.executemany("DELETE FROM embeddings_queue WHERE seq_id = ?", broken)
    return documents, len(broken), databases


def _is_object(text: object) -> bool:
    if text is None:
        return True
    try:
        return isinstance(text, str) and isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
