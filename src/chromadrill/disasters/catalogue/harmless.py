"""Changes of files that change no answer: a verifier that fails one of them cries wolf."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from chromadrill.disasters.catalogue.store_editor import BINS, SQLITE, StoreEditor

Serve = Callable[[Path], AbstractContextManager[str]]


@dataclass(frozen=True)
class Variant:
    """A harmless change of a cold copy; `serve` runs a server on it and yields its URL."""

    name: str
    what: str
    apply: Callable[[Path, Serve], None]


def _sql(*statements: str) -> Callable[[Path, Serve], None]:
    def apply(root: Path, serve: Serve) -> None:
        with StoreEditor(root).raw() as db:
            for statement in statements:
                db.execute(statement).fetchall()

    return apply


def _change_nothing(root: Path, serve: Serve) -> None:
    return None


def _remove_orphans(root: Path, serve: Serve) -> None:
    known = {c.vector for c in StoreEditor(root).collections()}
    orphans = [p for p in root.iterdir() if p.is_dir() and p.name not in known]
    if not orphans:
        raise LookupError("There is no orphan segment directory.")
    for path in orphans:
        shutil.rmtree(path)


def _remove_small_bins(root: Path, serve: Serve) -> None:
    collections = [
        c for c in StoreEditor(root).collections() if not c.is_indexed and c.directory.is_dir()
    ]
    if not collections:
        raise LookupError("No unsynced collection has index files.")
    for collection in collections:
        for name in BINS:
            (collection.directory / name).unlink(missing_ok=True)


def _remove_small_directories(root: Path, serve: Serve) -> None:
    for collection in StoreEditor(root).collections():
        if not collection.is_indexed and collection.directory.is_dir():
            shutil.rmtree(collection.directory)


def _zero_lengths(space: str) -> Callable[[Path, Serve], None]:
    def apply(root: Path, serve: Serve) -> None:
        collections = [
            c for c in StoreEditor(root).collections() if c.is_indexed and c.space == space
        ]
        if not collections:
            raise LookupError(f"No synced collection has space {space}.")
        for collection in collections:
            path = collection.directory / "length.bin"
            path.write_bytes(bytes(path.stat().st_size))

    return apply


def _delete_watermarks(root: Path, serve: Serve) -> None:
    store = StoreEditor(root)
    with store.edit() as db:
        for collection in store.collections():
            db.execute("DELETE FROM max_seq_id WHERE segment_id = ?", (collection.vector,))


def _change_times(root: Path, serve: Serve) -> None:
    for n, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (1_600_000_000 + n, 1_600_000_000 + n))


def _rewrite(root: Path, serve: Serve) -> None:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)


def _free_pages(root: Path, serve: Serve) -> None:
    with StoreEditor(root).raw() as db:
        db.execute("CREATE TABLE filler (id INTEGER PRIMARY KEY, b BLOB)")
        db.executemany("INSERT INTO filler (b) VALUES (zeroblob(?))", [(3000,)] * 200)
        db.execute("DROP TABLE filler")


def _add_foreign_files(root: Path, serve: Serve) -> None:
    (root / "lost+found").mkdir()
    (root / ".DS_Store").write_bytes(b"x")
    (root / "README.txt").write_text("restored by hand\n")


def _leave_stale_journal(root: Path, serve: Serve) -> None:
    (root / (SQLITE + "-journal")).write_bytes(bytes(512))


def _restart(root: Path, serve: Serve) -> None:
    for _ in range(3):
        with serve(root) as url, httpx.Client(base_url=url, timeout=30) as client:
            for base, item in _collections(root, client):
                client.get(f"{base}/{item}/count").raise_for_status()


def _collections(root: Path, client: httpx.Client) -> list[tuple[str, str]]:
    return [
        (f"/api/v2/tenants/{c.tenant}/databases/{c.database}/collections", c.id)
        for c in StoreEditor(root).collections()
    ]


def _churn(root: Path, serve: Serve) -> None:
    rng = Random("churn")
    collections = [c for c in StoreEditor(root).collections() if c.dimension]
    with serve(root) as url, httpx.Client(base_url=url, timeout=30) as client:
        for c in collections:
            base = f"/api/v2/tenants/{c.tenant}/databases/{c.database}/collections/{c.id}"
            ids = [f"guest-{n}" for n in range(60)]
            vectors = [[rng.gauss(0, 1) for _ in range(c.dimension or 0)] for _ in ids]
            body = {"ids": ids, "embeddings": vectors, "documents": ["a passing guest"] * 60}
            client.post(f"{base}/upsert", json=body).raise_for_status()
            client.post(f"{base}/delete", json={"ids": ids}).raise_for_status()


HEALTHY: tuple[Variant, ...] = (
    Variant("untouched", "A byte-for-byte copy.", _change_nothing),
    Variant("vacuum", "VACUUM of chroma.sqlite3.", _sql("VACUUM")),
    Variant("wal_mode", "chroma.sqlite3 in WAL mode.", _sql("PRAGMA journal_mode = WAL")),
    Variant("page_size", "Another page size.", _sql("PRAGMA page_size = 8192", "VACUUM")),
    Variant("reindex", "REINDEX and ANALYZE.", _sql("REINDEX", "ANALYZE")),
    Variant(
        "fts_optimized",
        "The full-text index merged into one segment.",
        _sql("INSERT INTO embedding_fulltext_search(embedding_fulltext_search) VALUES('optimize')"),
    ),
    Variant(
        "fts_rebuilt",
        "The full-text index rebuilt from its content.",
        _sql("INSERT INTO embedding_fulltext_search(embedding_fulltext_search) VALUES('rebuild')"),
    ),
    Variant(
        "created_at",
        "Other creation times in the table of records (no answer shows them).",
        _sql("UPDATE embeddings SET created_at = '2001-01-01 00:00:00'"),
    ),
    Variant("orphans_removed", "Directories of deleted collections removed.", _remove_orphans),
    Variant("small_bins_removed", "Index files below the threshold removed.", _remove_small_bins),
    Variant(
        "small_directories_removed",
        "Index directories below the threshold removed.",
        _remove_small_directories,
    ),
    Variant("l2_lengths_zeroed", "length.bin of l2 collections zeroed.", _zero_lengths("l2")),
    Variant("ip_lengths_zeroed", "length.bin of ip collections zeroed.", _zero_lengths("ip")),
    Variant("watermarks_deleted", "max_seq_id of all indexes removed.", _delete_watermarks),
    Variant("times_changed", "Other modification times.", _change_times),
    Variant("rewritten", "All files written anew (other inodes).", _rewrite),
    Variant("freelist", "Free pages in chroma.sqlite3.", _free_pages),
    Variant("foreign_files", "lost+found and stray files in the directory.", _add_foreign_files),
    Variant(
        "stale_journal", "A finished journal (zeroed header) left behind.", _leave_stale_journal
    ),
    Variant("restarted", "Started three times, every collection loaded.", _restart),
    Variant("churned", "Guests written and deleted in every collection.", _churn),
)
