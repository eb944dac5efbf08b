"""What servers leave on a disk when all is well is never called damage."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from chromadrill.checks.suite import judge_files
from chromadrill.chroma.at_rest import database
from chromadrill.chroma.at_rest.releases import heads
from chromadrill.chroma.client import Chroma, scope_path
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.chroma.permissions import MONITOR
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.records.no_room import NoRoom
from chromadrill.targets.process.target import ProcessTarget

SECOND = Scope("default_tenant", "second")
LOOKS = Scope(MONITOR, "canary")  # what `monitor --write` leaves


def write(chroma, scope=Scope(), name="docs"):  # noqa: B008
    rng = np.random.default_rng(1)
    collection = chroma.create_collection(scope, name, hnsw={"space": "l2"})
    chroma.upsert(
        collection,
        ids=[f"r{n}" for n in range(40)],
        vectors=rng.normal(size=(40, 4)).astype(np.float32),
        documents=[f"document number {n}" for n in range(40)],
        metadatas=[{"n": n} for n in range(40)],
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A cold store of 1.5.9, from which a client has deleted a database with a collection in it."""
    target = ProcessTarget(tmp_path_factory.mktemp("sound") / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        chroma.create_database(SECOND)
        for scope in (Scope(), SECOND):
            write(chroma, scope)
        chroma.call("DELETE", f"{scope_path(Scope()).rpartition('/')[0]}/{SECOND.database}")
        chroma.create_tenant(LOOKS.tenant)
        chroma.create_database(LOOKS)
        write(chroma, LOOKS, "canary")
    target.stop()
    yield target.data
    target.remove()


def problems(path):
    return [error.message for error in at_rest.observe(path).read_errors]


def test_segments_that_a_deleted_database_leaves_behind_are_sound(store):
    with closing(sqlite3.connect(store / "chroma.sqlite3")) as db:
        gone = "SELECT count(*) FROM segments WHERE collection NOT IN (SELECT id FROM collections)"
        assert db.execute(gone).fetchone() == (2,)
    assert problems(store) == []


def test_folder_whose_name_is_no_utf8_holds_a_sound_store(copy, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9t\xe9"))
    copy.rename(odd)
    assert problems(odd) == []
    assert heads(odd)["sysdb"] == 10


# ---- the monitor's own record ----------------------------------------------------------------------
def look_again(path):
    """What one look of the monitor leaves in a store: another value, and an entry in the log."""
    with closing(sqlite3.connect(path / "chroma.sqlite3")) as db, db:
        gone = "SELECT c.id FROM collections c WHERE c.name = 'canary'"
        (canary,) = db.execute(gone).fetchone()
        db.execute(
            "INSERT INTO embeddings_queue (created_at, operation, topic, id, vector, encoding, metadata)"
            " SELECT '2100-01-01 00:00:00', 2, topic, id, vector, encoding, '{\"look\":\"2\"}'"
            f" FROM embeddings_queue WHERE topic LIKE '%/{canary}' ORDER BY seq_id DESC LIMIT 1"
        )


def test_looks_of_the_monitor_are_neither_users_data_nor_clients_writes(copy):
    before = at_rest.observe(copy)
    assert {scope.tenant for scope in before.fingerprint.databases} == {"default_tenant"}
    assert [one.info.name for one in before.fingerprint.collections.values()] == ["docs"]
    look_again(copy)
    after = at_rest.observe(copy, like=before.fingerprint)
    assert after.newest_write == before.newest_write
    assert after.fingerprint.databases == before.fingerprint.databases
    assert {verdict.outcome for verdict in judge_files(after, before.fingerprint)} == {Outcome.PASS}


def test_fingerprint_that_names_the_monitors_tenant_is_compared_with_it(copy):
    """Those of releases that took it in: what the monitor wrote since is then a later write."""
    before = at_rest.observe(copy, (Scope(), LOOKS))
    look_again(copy)
    after = at_rest.observe(copy, like=before.fingerprint)
    assert after.fingerprint.databases == before.fingerprint.databases
    assert len(after.fingerprint.collections) == 2
    assert after.newest_write > before.newest_write


# ---- pages that lie in the log beside the file -----------------------------------------------------
PAGE_SIZE = 4096
FULL_TEXT = "DELETE FROM embedding_fulltext_search_data WHERE id > 10"


def rewrite_in_wal(source, target):
    """Lay down a store whose database is a page of nothing with all of its pages in the -wal."""
    shutil.copytree(source, target)
    (target / "chroma.sqlite3").unlink()
    writing = target.parent / "writing"
    writing.mkdir()
    with (
        closing(sqlite3.connect(source / "chroma.sqlite3")) as old,
        closing(sqlite3.connect(writing / "chroma.sqlite3", isolation_level=None)) as new,
    ):
        new.execute("PRAGMA journal_mode=WAL")
        new.execute("PRAGMA wal_autocheckpoint=0")
        old.backup(new)
        for name in ("chroma.sqlite3", "chroma.sqlite3-wal"):
            shutil.copyfile(writing / name, target / name)


@pytest.fixture
def in_wal(store, tmp_path):
    rewrite_in_wal(store, tmp_path / "in-wal")
    assert (tmp_path / "in-wal" / "chroma.sqlite3").stat().st_size <= PAGE_SIZE
    return tmp_path / "in-wal"


def test_database_that_is_still_in_its_write_ahead_log_is_sound(in_wal, store):
    assert problems(in_wal) == []
    assert heads(in_wal) == heads(store)


def test_checkpoint_that_was_cut_half_way_is_sound(in_wal, store):
    pages = (store / "chroma.sqlite3").read_bytes()
    half = len(pages) // PAGE_SIZE // 2 * PAGE_SIZE
    (in_wal / "chroma.sqlite3").write_bytes(pages[:half])
    assert problems(in_wal) == []


def test_damaged_full_text_index_is_found_in_the_write_ahead_log_too(copy, tmp_path):
    with closing(sqlite3.connect(copy / "chroma.sqlite3", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute(FULL_TEXT)
        shutil.copytree(copy, tmp_path / "taken")
    assert (tmp_path / "taken" / "chroma.sqlite3-wal").stat().st_size
    (problem,) = problems(tmp_path / "taken")
    assert "full-text index is damaged" in problem


def test_disk_too_full_to_take_in_a_write_ahead_log_says_nothing_of_the_store(in_wal, monkeypatch):
    def run_out_of_room(connection):
        connection.close()
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(database, "closing", run_out_of_room)
    with pytest.raises(NoRoom, match="does not fit in the temporary folder"):
        at_rest.observe(in_wal)
