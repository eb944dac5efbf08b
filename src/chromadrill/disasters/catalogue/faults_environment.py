"""Wrong surroundings: missing, foreign, older or unreadable files."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from random import Random

from chromadrill.disasters.catalogue.fault_registry import FaultRegistry
from chromadrill.disasters.catalogue.store_editor import PICKLE, SQLITE, StoreEditor
from chromadrill.disasters.catalogue.victims import Hit, any_indexed, largest_indexed

FAULTS = FaultRegistry("environment")


def wipe(root: Path) -> None:
    """Remove everything in a directory, not the directory."""
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@FAULTS.add("The data directory is empty: wrong mount or nothing restored.")
def empty_directory(store: StoreEditor, hit: Hit, rng: Random) -> None:
    wipe(store.root)


@FAULTS.add("chroma.sqlite3 is missing; only the index directories are there.")
def sqlite_missing(store: StoreEditor, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()


@FAULTS.add("The data lie one directory too deep.")
def nested_directory(store: StoreEditor, hit: Hit, rng: Random) -> None:
    inner = store.root / "chroma"
    names = list(store.root.iterdir())
    inner.mkdir()
    for path in names:
        path.rename(inner / path.name)


@FAULTS.add("Only the index directories lie one directory too deep.")
def segments_nested(store: StoreEditor, hit: Hit, rng: Random) -> None:
    inner = store.root / "segments"
    names = [p for p in store.root.iterdir() if p.is_dir()]
    if not names:
        raise LookupError("There are no index directories.")
    inner.mkdir()
    for path in names:
        path.rename(inner / path.name)


@FAULTS.add("All files are there with 0 bytes.")
def files_without_bytes(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for path in store.root.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


@FAULTS.add("chroma.sqlite3 has 0 bytes.")
def sqlite_without_bytes(store: StoreEditor, hit: Hit, rng: Random) -> None:
    store.sqlite.write_bytes(b"")


@FAULTS.add("All index files have 0 bytes; chroma.sqlite3 is whole.")
def segments_without_bytes(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for path in store.root.glob("*/*"):
        path.write_bytes(b"")


@FAULTS.add("chroma.sqlite3 is a link to a place that does not exist.")
def sqlite_dangling_link(store: StoreEditor, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()
    store.sqlite.symlink_to(store.root / "not" / "there")


@FAULTS.add("A directory stands where chroma.sqlite3 should be.")
def sqlite_is_a_directory(store: StoreEditor, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()
    store.sqlite.mkdir()


@FAULTS.add("A file stands where an index directory should be.", any_indexed)
def segment_is_a_file(store: StoreEditor, hit: Hit, rng: Random) -> None:
    shutil.rmtree(hit[0].directory)
    hit[0].directory.write_bytes(b"")


@FAULTS.add("chroma.sqlite3 is a good but empty database of something else.")
def foreign_database(store: StoreEditor, hit: Hit, rng: Random) -> None:
    store.sqlite.unlink()
    connection = sqlite3.connect(store.sqlite)
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    connection.commit()
    connection.close()


def _leave_crash_file(database: Path, target: Path, suffix: str, statements: list[str]) -> None:
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


@FAULTS.add("The journal of a quite different database lies beside chroma.sqlite3.")
def journal_of_another_database(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        other = Path(name) / "other.sqlite3"
        connection = sqlite3.connect(other)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT)")
        connection.executemany("INSERT INTO t (b) VALUES (?)", [("x" * 900,)] * 400)
        connection.commit()
        connection.close()
        _leave_crash_file(
            other, store.root / (SQLITE + "-journal"), "-journal",
            ["UPDATE t SET b = substr(b, 2) || 'y'"],
        )  # fmt: skip


@FAULTS.add("The journal of the crashed older server lies beside the restored chroma.sqlite3.",
            older=True)  # fmt: skip
def journal_of_older_store(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        other = Path(name) / SQLITE
        shutil.copyfile(store.earlier() / SQLITE, other)
        _leave_crash_file(other, store.root / (SQLITE + "-journal"), "-journal", _CHURN)


@FAULTS.add("The write-ahead log of the older server lies beside the restored chroma.sqlite3.",
            older=True)  # fmt: skip
def wal_of_older_store(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        other = Path(name) / SQLITE
        shutil.copyfile(store.earlier() / SQLITE, other)
        _leave_crash_file(other, store.root / (SQLITE + "-wal"), "-wal", _CHURN)


@FAULTS.add("The whole directory is an older snapshot.", older=True)
def older_snapshot(store: StoreEditor, hit: Hit, rng: Random) -> None:
    source = store.earlier()
    wipe(store.root)
    shutil.copytree(source, store.root, dirs_exist_ok=True)


@FAULTS.add("chroma.sqlite3 is from an older instant than the index directories.", older=True)
def older_sqlite(store: StoreEditor, hit: Hit, rng: Random) -> None:
    shutil.copyfile(store.earlier() / SQLITE, store.sqlite)


@FAULTS.add("The index directories are from an older instant than chroma.sqlite3.", older=True)
def older_segments(store: StoreEditor, hit: Hit, rng: Random) -> None:
    source = store.earlier()
    for collection in store.collections():
        if collection.directory.is_dir():
            shutil.rmtree(collection.directory)
        if (source / collection.vector).is_dir():
            shutil.copytree(source / collection.vector, collection.directory)


@FAULTS.add("The older snapshot was copied over the newer one without wiping: a mixture.",
            older=True)  # fmt: skip
def older_over_newer(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for path in store.earlier().rglob("*"):
        if path.is_file() and path.name != PICKLE:
            target = store.root / path.relative_to(store.earlier())
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target)


@FAULTS.add("chroma.sqlite3 cannot be read (mode 000).", non_root=True)
def sqlite_unreadable(store: StoreEditor, hit: Hit, rng: Random) -> None:
    store.sqlite.chmod(0)


@FAULTS.add("An index file cannot be read (mode 000).", largest_indexed, non_root=True)
def index_unreadable(store: StoreEditor, hit: Hit, rng: Random) -> None:
    (hit[0].directory / "data_level0.bin").chmod(0)


@FAULTS.add("The whole directory is read-only.", non_root=True)
def tree_read_only(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for path in store.root.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    store.root.chmod(0o555)
