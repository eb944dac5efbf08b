"""Wrong surroundings: missing, foreign, older or unreadable files."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from random import Random

from chromadrill.disasters.catalogue.store_editor import (
    PICKLE,
    SQLITE,
    Book,
    Collection,
    Store,
    indexed,
    largest_indexed,
)

BOOK = Book("environment")
Hit = tuple[Collection, ...]


def wipe(root: Path) -> None:
    """Remove everything in a directory, not the directory."""
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@BOOK.fault("The data directory is empty: wrong mount or nothing restored.")
def empty_directory(store: Store, hit: Hit, rng: Random) -> None:
    wipe(store.root)


@BOOK.fault("chroma.sqlite3 is missing; only the index directories are there.")
def sqlite_missing(store: Store, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()


@BOOK.fault("The data lie one directory too deep.")
def nested_directory(store: Store, hit: Hit, rng: Random) -> None:
    inner = store.root / "chroma"
    names = list(store.root.iterdir())
    inner.mkdir()
    for path in names:
        path.rename(inner / path.name)


@BOOK.fault("Only the index directories lie one directory too deep.")
def segments_nested(store: Store, hit: Hit, rng: Random) -> None:
    inner = store.root / "segments"
    names = [p for p in store.root.iterdir() if p.is_dir()]
    if not names:
        raise LookupError("There are no index directories.")
    inner.mkdir()
    for path in names:
        path.rename(inner / path.name)


@BOOK.fault("All files are there with 0 bytes.")
def files_without_bytes(store: Store, hit: Hit, rng: Random) -> None:
    for path in store.root.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


@BOOK.fault("chroma.sqlite3 has 0 bytes.")
def sqlite_without_bytes(store: Store, hit: Hit, rng: Random) -> None:
    store.sqlite.write_bytes(b"")


@BOOK.fault("All index files have 0 bytes; chroma.sqlite3 is whole.")
def segments_without_bytes(store: Store, hit: Hit, rng: Random) -> None:
    for path in store.root.glob("*/*"):
        path.write_bytes(b"")


@BOOK.fault("chroma.sqlite3 is a link to a place that does not exist.")
def sqlite_dangling_link(store: Store, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()
    store.sqlite.symlink_to(store.root / "not" / "there")


@BOOK.fault("A directory stands where chroma.sqlite3 should be.")
def sqlite_is_a_directory(store: Store, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()
    store.sqlite.mkdir()


@BOOK.fault("A file stands where an index directory should be.", indexed)
def segment_is_a_file(store: Store, hit: Hit, rng: Random) -> None:
    shutil.rmtree(hit[0].directory)
    hit[0].directory.write_bytes(b"")


@BOOK.fault("chroma.sqlite3 is a good but empty database of something else.")
def foreign_database(store: Store, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()
    connection = sqlite3.connect(store.sqlite)
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    connection.commit()
    connection.close()


def _spilled(database: Path, target: Path, suffix: str, statements: list[str]) -> None:
    """Keep the journal or WAL that a crash in the middle of `statements` would leave behind."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        if suffix == "-wal":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = 4")
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        if suffix == "-wal":
            connection.execute("COMMIT")
        shutil.copyfile(database.with_name(database.name + suffix), target)
    finally:
        connection.close()


_CHURN = [
    "UPDATE embeddings SET created_at = '1970-01-01 00:00:00'",
    "UPDATE embedding_metadata SET int_value = int_value + 1 WHERE int_value IS NOT NULL",
]


@BOOK.fault("The journal of a quite different database lies beside chroma.sqlite3.")
def journal_of_another_database(store: Store, hit: Hit, rng: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        other = Path(name) / "other.sqlite3"
        connection = sqlite3.connect(other)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT)")
        connection.executemany("INSERT INTO t (b) VALUES (?)", [("x" * 900,)] * 400)
        connection.commit()
        connection.close()
        _spilled(
            other, store.root / (SQLITE + "-journal"), "-journal",
            ["UPDATE t SET b = substr(b, 2) || 'y'"],
        )  # fmt: skip


@BOOK.fault("The journal of the crashed older server lies beside the restored chroma.sqlite3.",
            older=True)  # fmt: skip
def journal_of_older_store(store: Store, hit: Hit, rng: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        other = Path(name) / SQLITE
        shutil.copyfile(store.earlier() / SQLITE, other)
        _spilled(other, store.root / (SQLITE + "-journal"), "-journal", _CHURN)


@BOOK.fault("The write-ahead log of the older server lies beside the restored chroma.sqlite3.",
            older=True)  # fmt: skip
def wal_of_older_store(store: Store, hit: Hit, rng: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        other = Path(name) / SQLITE
        shutil.copyfile(store.earlier() / SQLITE, other)
        _spilled(other, store.root / (SQLITE + "-wal"), "-wal", _CHURN)


@BOOK.fault("The whole directory is an older snapshot.", older=True)
def older_snapshot(store: Store, hit: Hit, rng: Random) -> None:
    source = store.earlier()
    wipe(store.root)
    shutil.copytree(source, store.root, dirs_exist_ok=True)


@BOOK.fault("chroma.sqlite3 is from an older instant than the index directories.", older=True)
def older_sqlite(store: Store, hit: Hit, rng: Random) -> None:
    shutil.copyfile(store.earlier() / SQLITE, store.sqlite)


@BOOK.fault("The index directories are from an older instant than chroma.sqlite3.", older=True)
def older_segments(store: Store, hit: Hit, rng: Random) -> None:
    source = store.earlier()
    for collection in store.collections():
        if collection.directory.is_dir():
            shutil.rmtree(collection.directory)
        if (source / collection.vector).is_dir():
            shutil.copytree(source / collection.vector, collection.directory)


@BOOK.fault("The older snapshot was copied over the newer one without wiping: a mixture.",
            older=True)  # fmt: skip
def older_over_newer(store: Store, hit: Hit, rng: Random) -> None:
    for path in store.earlier().rglob("*"):
        if path.is_file() and path.name != PICKLE:
            target = store.root / path.relative_to(store.earlier())
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target)


@BOOK.fault("chroma.sqlite3 cannot be read (mode 000).", non_root=True)
def sqlite_unreadable(store: Store, hit: Hit, rng: Random) -> None:
    store.sqlite.chmod(0)


@BOOK.fault("An index file cannot be read (mode 000).", largest_indexed, non_root=True)
def index_unreadable(store: Store, hit: Hit, rng: Random) -> None:
    (hit[0].directory / "data_level0.bin").chmod(0)


@BOOK.fault("The whole directory is read-only.", non_root=True)
def tree_read_only(store: Store, hit: Hit, rng: Random) -> None:
    for path in store.root.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    store.root.chmod(0o555)
