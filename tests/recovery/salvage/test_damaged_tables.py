"""Rows of the database that are damaged or lost cost what stood in them, and nothing beside it."""

import shutil
import sqlite3
import struct
from contextlib import closing

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest, fingerprint_file
from chromadrill.core.model import Scope
from chromadrill.recovery.salvage.bring_back import look_at
from chromadrill.recovery.salvage.readable_store import readable_store
from chromadrill.recovery.salvage.reading import read_all
from chromadrill.targets.process.target import ProcessTarget
from tests.recovery.salvage.conftest import RECORDS
from tests.recovery.salvage.own_embedder import embed

NO_TEXT = "CAST(x'646f63ff' AS TEXT)"  # no UTF-8


def change(data, sql):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        assert database.execute(sql).rowcount == 1
        assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE embedding_metadata SET string_value = {NO_TEXT}"
        " WHERE id = 700 AND key = 'chroma:document'",
        f"UPDATE embedding_fulltext_search_content SET c0 = {NO_TEXT} WHERE id = 700",
        "UPDATE embedding_metadata SET int_value = x'00' WHERE id = 700 AND key = 'n'",
    ],
    ids=["a document", "its second copy", "a number"],
)
def test_a_value_that_is_no_text_costs_itself_alone(damaged, sql):
    change(damaged, sql)
    findings = look_at(damaged).findings
    (docs,) = findings.collections
    assert (docs.taken, docs.documents) == (RECORDS, RECORDS)
    assert not findings.is_whole


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b"seq_id BLOB NOT NULL", b"req_id BLOB NOT NULL"),
        (b"dimension INTEGER", b"dimenrion INTEGER"),
        (b"string_value TEXT", b"strinw_value TEXT"),
        (b"int_value INTEGER", b"int_va,ue INTEGER"),
        (b"id TEXT PRIMARY", b"id0TEXT PRIMARY"),
    ],
    ids=["of records", "of collections", "of metadata", "two of one", "of another length"],
)
def test_a_column_whose_name_has_another_letter_costs_nothing(sound, damaged, was, is_now):
    file = damaged / "chroma.sqlite3"
    content = file.read_bytes()
    assert was in content
    file.write_bytes(content.replace(was, is_now))
    findings = look_at(damaged, fingerprint_file.load(sound[1])).findings
    (docs,) = findings.collections
    assert (docs.taken, docs.documents) == (RECORDS, RECORDS)
    assert (docs.changed, docs.values_lost) == (0, 0)
    assert not findings.is_whole


def test_a_store_of_an_older_release_has_not_lost_its_configuration(damaged):
    """Collections from before a server wrote configurations have none in their rows."""
    with closing(sqlite3.connect(damaged / "chroma.sqlite3")) as database, database:
        database.execute("DELETE FROM migrations WHERE dir = 'sysdb' AND version = 10")
        database.execute("ALTER TABLE collections DROP COLUMN schema_str")
        database.execute("UPDATE collections SET config_json_str = NULL")
        database.execute(
            "INSERT INTO segment_metadata (segment_id, key, str_value)"
            " SELECT id, 'hnsw:space', 'cosine' FROM segments WHERE scope = 'VECTOR'"
        )
    zero_pages_of(damaged, "embedding_metadata_string_value")
    findings = look_at(damaged).findings
    (docs,) = findings.collections
    assert docs.taken == RECORDS
    assert not any("configuration" in line for line in docs.damage)


def zero_pages_of(data, *names):
    """What a table or index has on its root page is gone."""
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database:
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master"))
    with (data / "chroma.sqlite3").open("r+b") as file:
        for name in names:
            file.seek((roots[name] - 1) * 4096)
            file.write(bytes(4096))


@pytest.fixture(scope="module")
def tenants(tmp_path_factory):
    """A store of two tenants who number their records alike, and its fingerprint.

    The index of the second one is synced, and most of its entries have left the queue.
    """
    folder = tmp_path_factory.mktemp("tenants")
    target = ProcessTarget(folder / "home")
    target.start()
    with Chroma(target.url) as chroma:
        for tenant, count, threshold in (("one", 30, 1000), ("two", 40, 10)):
            scope = Scope(tenant, "main")
            chroma.create_tenant(tenant)
            chroma.create_database(scope)
            hnsw = {"space": "l2", "sync_threshold": threshold, "batch_size": 5}
            docs = chroma.create_collection(scope, "docs", hnsw=hnsw)
            documents = [f"{n} of {tenant}" for n in range(count)]
            chroma.upsert(
                docs,
                ids=[f"r{n}" for n in range(count)],
                vectors=embed(documents),
                documents=documents,
            )
    target.stop()
    shutil.copytree(target.data, folder / "data")
    target.remove()
    return folder / "data", at_rest.fingerprint(folder / "data")


@pytest.fixture
def alike(tenants, tmp_path):
    shutil.copytree(tenants[0], tmp_path / "alike")
    return tmp_path / "alike"


def brought_back(data, before=None):
    """(documents, whether each vector is that of its document) by collection."""
    found = {}

    def take(collection, pages):
        rows = [(p.documents, p.vectors) for p in pages]
        found[collection.info.key] = (
            [document for documents, _ in rows for document in documents],
            all(np.array_equal(vectors, embed(documents)) for documents, vectors in rows),
        )

    with readable_store(data, before) as readable:
        read_all(readable, before, lambda loss: None, lambda count: None, take)
    return found


ALL = {
    "one/main/docs": ([f"{n} of one" for n in range(30)], True),
    "two/main/docs": ([f"{n} of two" for n in range(40)], True),
}
SEGMENTS = ("segments", "sqlite_autoindex_segments_1")


@pytest.mark.parametrize("lost", [SEGMENTS[:1], SEGMENTS], ids=["table", "table and its index"])
def test_whose_a_segment_is_the_numbers_of_writes_tell(alike, lost):
    zero_pages_of(alike, *lost)
    assert brought_back(alike) == ALL


def test_an_index_whose_row_is_lost_is_found_by_its_newest_write(alike):
    with closing(sqlite3.connect(alike / "chroma.sqlite3")) as database, database:
        database.execute("DELETE FROM segments WHERE scope = 'VECTOR'")
    assert brought_back(alike) == ALL


def forget_writes(data):
    """Nothing says any more of which collection and which segment a write was."""
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        database.execute("DELETE FROM embeddings_queue")
        database.execute("DELETE FROM max_seq_id")
    zero_pages_of(data, *SEGMENTS)


def test_where_only_ids_are_left_that_both_have_nothing_comes_back_under_either(alike):
    forget_writes(alike)
    assert not any(documents for documents, _ in brought_back(alike).values())


def test_a_fingerprint_tells_whose_documents_a_segment_has(tenants, alike):
    forget_writes(alike)
    found = brought_back(alike, tenants[1])
    assert all(
        set(documents) <= set(ALL[key][0]) and is_right
        for key, (documents, is_right) in found.items()
    )
    with readable_store(alike, tenants[1]) as readable:
        assert [len(readable.store.records(c)) for c in readable.store.collections()] == [30, 40]


def pages_of_schema(data):
    """The leaves of the schema, whose root is the first page."""
    page = (data / "chroma.sqlite3").read_bytes()[:4096]
    (cells,) = struct.unpack_from(">H", page, 103)
    places = struct.unpack_from(f">{cells}H", page, 112)
    return [*(struct.unpack_from(">I", page, at)[0] for at in places),
            *struct.unpack_from(">I", page, 108)]  # fmt: skip


@pytest.mark.parametrize("lost", [0, 1, -1], ids=["root", "first leaf", "last leaf"])
def test_a_lost_page_of_the_schema_costs_no_table(alike, lost):
    pages = [1, *pages_of_schema(alike)]
    assert len(pages) > 2
    start = 100 if pages[lost] == 1 else (pages[lost] - 1) * 4096
    with (alike / "chroma.sqlite3").open("r+b") as file:
        file.seek(start)
        file.write(bytes(pages[lost] * 4096 - start))
    assert brought_back(alike) == ALL


DATABASES = ("databases", "sqlite_autoindex_databases_1", "sqlite_autoindex_databases_2")


def test_collections_whose_database_has_lost_its_name_come_back_apart(tenants, alike):
    zero_pages_of(alike, *DATABASES)
    found = brought_back(alike)
    assert sorted(found.values()) == sorted(ALL.values())
    assert all(key.startswith("unknown-tenant/") for key in found)
    assert brought_back(alike, tenants[1]) == ALL


def test_collections_of_a_database_that_was_deleted_stay_away(alike):
    with closing(sqlite3.connect(alike / "chroma.sqlite3")) as database, database:
        database.execute("DELETE FROM databases WHERE tenant_id = 'one'")
    zero_pages_of(alike, *SEGMENTS)
    assert brought_back(alike).keys() == {"two/main/docs"}


def test_an_index_whose_row_is_lost_is_no_newer_than_its_last_write(alike):
    with closing(sqlite3.connect(alike / "chroma.sqlite3")) as database, database:
        database.execute(
            "UPDATE embeddings SET seq_id = seq_id + 1000 WHERE id ="
            " (SELECT id FROM embedding_metadata WHERE string_value = '3 of two')"
        )
        database.execute("DELETE FROM segments WHERE scope = 'VECTOR'")
    documents, is_right = brought_back(alike)["two/main/docs"]
    assert is_right
    assert set(ALL["two/main/docs"][0]) - set(documents) == {"3 of two"}


def leave_journal(database, target):
    """Keep the journal of a transaction that has changed each record and does not end."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 4")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE embeddings SET created_at = '1970-01-01 00:00:00'")
        connection.execute("UPDATE embedding_metadata SET int_value = int_value + 1")
        shutil.copyfile(f"{database}-journal", target)


VALUES = "SELECT id, key, string_value, int_value FROM embedding_metadata ORDER BY id, key"


@pytest.mark.parametrize("then", ["", "VACUUM"], ids=["as long", "shorter"])
def test_a_journal_of_an_older_store_is_not_rolled_into_a_sound_database(damaged, tmp_path, then):
    older = tmp_path / "older.sqlite3"
    shutil.copyfile(damaged / "chroma.sqlite3", older)
    with closing(sqlite3.connect(older, isolation_level=None)) as database:
        wanted = database.execute(VALUES).fetchall()
        database.execute("UPDATE embedding_metadata SET string_value = upper(string_value)")
        database.execute(f"DELETE FROM embedding_metadata WHERE id > {RECORDS // 2}")
        database.execute(then)
    leave_journal(older, damaged / "chroma.sqlite3-journal")

    with readable_store(damaged) as readable:
        assert readable.damage
        assert readable.store.db.fetch(VALUES) == wanted


def test_a_database_that_sqlite_refuses_is_rolled_back_by_its_own_journal(damaged, tmp_path):
    original, crashed = damaged / "chroma.sqlite3", tmp_path / "crashed.sqlite3"
    shutil.copyfile(original, crashed)
    with closing(sqlite3.connect(crashed, isolation_level=None)) as database:
        wanted = database.execute(VALUES).fetchall()
        database.execute("PRAGMA cache_size = 4")
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE embedding_metadata SET string_value = upper(string_value)")
        shutil.copyfile(crashed, original)  # as a crash leaves them: half of it is written
        shutil.copyfile(f"{crashed}-journal", f"{original}-journal")
    content = original.read_bytes()
    original.write_bytes(
        content.replace(b"CREATE TABLE embedding_metadata", b"CREATE TABEL embedding_metadata")
    )

    with readable_store(damaged) as readable:
        assert readable.remains is not None
        assert readable.store.db.fetch(VALUES) == wanted
