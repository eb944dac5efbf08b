"""Files that are sound and that no server can serve are FAIL; unread files are never missing ones."""

import os
import pickle
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from chromadrill.chroma.at_rest import integrity
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.commands.run import exit_code

NEW = (
    "INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)"
    " SELECT 2, topic, 'new', vector, encoding, ? FROM embeddings_queue"
    " ORDER BY seq_id DESC LIMIT 1"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A cold store of 1.5.9: one collection with an index on disk, one in the log alone."""
    target = ProcessTarget(tmp_path_factory.mktemp("servable") / "home", owner=os.getpid())
    target.start()
    vectors = np.random.default_rng(1).normal(size=(130, 4)).astype(np.float32)
    with Chroma(target.url) as chroma:
        for name, count in (("synced", 130), ("waiting", 12)):
            hnsw = {"sync_threshold": 100, "batch_size": 100}
            collection = chroma.create_collection(Scope(), name, hnsw=hnsw)
            chroma.upsert(
                collection,
                ids=[f"{name}-{n}" for n in range(count)],
                vectors=vectors[:count],
                documents=[f"text {n} of {name}" + "\0 and more" * (n == 5) for n in range(count)],
                metadatas=[{"n": n, "city": "Bergen"} for n in range(count)],
            )
    target.stop()
    yield target.data
    target.remove()


def change(copy, statement, *values):
    with closing(sqlite3.connect(copy / "chroma.sqlite3")) as db:
        db.execute(statement, values)
        db.commit()


def require_refused(copy, capsys, *parts):
    """`validate` FAILs with a sentence of `parts`, and `fingerprint` writes nothing."""
    assert exit_code("validate", "--all", "--path", str(copy)) == 1
    output = capsys.readouterr().out
    sentences = [line for line in output.splitlines() if " FAIL " in line]
    assert any(all(part in line for part in parts) for line in sentences), output
    assert "TypeError" not in output
    file = copy.parent / "fingerprint"
    assert exit_code("fingerprint", "--path", str(copy), "--output", str(file)) == 2
    assert not file.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ('{"f": NaN}', "NaN"),
        ('{"f": -Infinity}', "Infinity"),
        ('{"f": [1.5, NaN]}', "NaN"),
        ('{"f": 1e400}', "not"),
        ('{"f": {"indices": [1, 5], "values": [0.5, 0.25]}}', "sparse vector"),
        ('{"f": {"#type": "sparse_vector", "indices": [1], "values": [0.5]}}', "sparse vector"),
        ('{"f": {"a": 1}}', "object"),
        ('{"f": [1, "a"]}', "list"),
        ('{"f": [[1]]}', "list"),
        ('{"f": [null]}', "list"),
        ('{"chroma:document": ["a", "b"]}', "chroma:document"),
        ('{"chroma:document": 7}', "chroma:document"),
        ('{"chroma:document": null}', "chroma:document"),
        ("[1]", "not an object"),
        ("", "not JSON"),
        ("{broken", "not JSON"),
        (b'{"n": 1}', "not text"),
    ],
)
def test_waiting_entry_that_no_server_can_take_in_is_fail(copy, capsys, metadata, reason):
    change(copy, NEW, metadata)
    require_refused(copy, capsys, "waiting", "'new'", "embeddings_queue", reason)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("encoding = 'X'", "an encoding 'X'"),
        ("vector = NULL", "lost its vector"),
        ("encoding = NULL", "lost its vector"),
    ],
)
def test_waiting_vector_that_no_server_can_take_in_is_fail(copy, capsys, damage, reason):
    change(copy, NEW, "{}")
    change(copy, f"UPDATE embeddings_queue SET {damage} WHERE id = 'new'")
    require_refused(copy, capsys, "waiting", "'new'", "embeddings_queue", reason)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "{}",
        '{"f": null}',
        '{"f": []}',
        '{"f": [1, 2.5]}',
        '{"f": 18446744073709551616}',
        '{"chroma:document": "text"}',
        '{"chroma:uri": ["a", "b"]}',
        '{"chroma:x": ["a", "b"]}',
    ],
)
def test_waiting_entry_that_a_server_takes_in_is_pass(copy, metadata):
    change(copy, NEW, metadata)
    assert exit_code("validate", "--all", "--path", str(copy)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        ("ALTER TABLE collections DROP COLUMN schema_str", ("collections", "schema_str")),
        ("ALTER TABLE collections DROP COLUMN config_json_str", ("collections", "config_json")),
        ("ALTER TABLE segment_metadata DROP COLUMN bool_value", ("segment_metadata", "bool_value")),
        ("ALTER TABLE embeddings_queue DROP COLUMN encoding", ("embeddings_queue", "encoding")),
        ("DROP TABLE embedding_metadata_array", ("embedding_metadata_array", "missing")),
        ("DROP TABLE embeddings_queue_config", ("embeddings_queue_config", "missing")),
        ("DELETE FROM migrations WHERE dir = 'sysdb' AND version = 10", ("schema_str", "sysdb 10")),
        ("DELETE FROM migrations WHERE dir = 'metadb' AND version = 2", ("migrations", "metadb 2")),
        ("UPDATE migrations SET hash = 'x' WHERE dir = 'metadb'", ("migrations", "hash")),
        ("UPDATE collections SET config_json_str = '{bad'", ("collections, config_json_str",)),
        ("UPDATE collections SET config_json_str = ''", ("collections, config_json_str",)),
        ("UPDATE collections SET config_json_str = x'7b7d'", ("collections, config_json_str",)),
        (
            "UPDATE collections SET config_json_str = '{\"vector_index\": 5}'",
            ("collections, config_json_str",),
        ),
        (
            "INSERT INTO segments SELECT '8acb2fe5-1111-4fd2-a016-a4f05ab0a384', type, scope,"
            " collection FROM segments WHERE scope = 'METADATA' LIMIT 1",
            ("2 METADATA segment rows",),
        ),
        ("UPDATE max_seq_id SET seq_id = x'0000000000000005'", ("max_seq_id", "blob")),
        ("UPDATE max_seq_id SET seq_id = 'x'", ("max_seq_id", "text")),
        ("UPDATE max_seq_id SET seq_id = 1.5", ("max_seq_id", "real")),
    ],
)
def test_schema_or_watermark_that_no_server_can_use_is_fail(copy, capsys, statement, parts):
    change(copy, statement)
    require_refused(copy, capsys, *parts)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE maintenance_log",
        "DROP TABLE acquire_write",
        'UPDATE collections SET config_json_str = \'{"hnsw": 5, "embedding_function": null}\'',
        "UPDATE collections SET config_json_str = NULL",
        "ALTER TABLE embeddings DROP COLUMN created_at",
        "DROP INDEX embedding_metadata_int_value",
        "DELETE FROM migrations WHERE dir = 'metadb' AND version = 6",
    ],
)
def test_schema_that_a_server_serves_all_the_same_is_pass(copy, statement):
    change(copy, statement)
    assert exit_code("validate", "--all", "--path", str(copy)) == 0


def test_counter_of_the_pickle_that_was_left_high_is_fail(copy, capsys):
    file = next(copy.glob("*/index_metadata.pickle"))
    content = pickle.loads(file.read_bytes())
    content["total_elements_added"] = 10**12
    file.write_bytes(pickle.dumps(content))
    require_refused(copy, capsys, "synced", "total_elements_added")


def test_older_store_is_unknown_with_its_release_and_the_way_and_nothing_is_missing(
    store, copy, capsys, tmp_path
):
    fingerprint = str(tmp_path / "f")
    assert exit_code("fingerprint", "--path", str(store), "--output", fingerprint) == 0
    change(copy, "DELETE FROM migrations WHERE dir = 'sysdb' AND version > 4")
    for more in ((), ("--fingerprint", fingerprint), ("--fingerprint", fingerprint, "--serve")):
        capsys.readouterr()
        assert exit_code("validate", "--all", "--path", str(copy), *more) == 2
        output = capsys.readouterr().out
        assert "0.4.24" in output
        assert "chromadb==0.6.3" in output
        assert "missing" not in output
    assert exit_code("fingerprint", "--path", str(copy), "--output", fingerprint) == 2
    assert "damaged" not in capsys.readouterr().err


@pytest.mark.slow  # 9 s of processor time
def test_value_of_270_megabytes_is_read(copy, tmp_path):
    long = "printf('%.*c', 270000000, 'x')"
    change(
        copy,
        f"UPDATE embedding_metadata SET string_value = {long} WHERE key = 'city' AND id ="
        " (SELECT id FROM embeddings WHERE embedding_id = 'waiting-3')",
    )
    assert exit_code("validate", "--all", "--path", str(copy)) == 0


class ReadsBeyondNul(sqlite3.Connection):
    """A newer SQLite (3.51): it indexes a text with a NUL to its end, and 1.5.9's index ends at it."""

    def execute(self, statement, *values):
        content = "SELECT 1 FROM embedding_fulltext_search_content WHERE instr(c0, char(0)) > 0"
        if "integrity-check" in statement and super().execute(content).fetchone():
            raise sqlite3.DatabaseError("malformed inverted index for FTS5 table")
        return super().execute(statement, *values)


@pytest.fixture
def newer_sqlite(monkeypatch):
    def connect(file, **options):
        return sqlite3.connect(file, factory=ReadsBeyondNul, **options)

    stand_in = SimpleNamespace(connect=connect, sqlite_version="3.51.0")
    monkeypatch.setattr(integrity, "sqlite3", stand_in)


def test_nul_in_a_document_is_named_and_no_damage_under_a_newer_sqlite(copy, newer_sqlite, caplog):
    assert exit_code("validate", "--all", "--path", str(copy)) == 0
    assert "2 documents hold a NUL character" in caplog.text


def test_damaged_full_text_is_still_damage_where_a_document_holds_nul(copy, newer_sqlite, capsys):
    change(copy, "UPDATE embedding_fulltext_search_content SET c0 = 'other words' WHERE id = 3")
    require_refused(copy, capsys, "full-text index is damaged")


def test_infinite_metadata_in_the_tables_is_compared_and_asked_of_nobody(copy, tmp_path, capsys):
    change(
        copy, "UPDATE embedding_metadata SET float_value = 9e999, int_value = NULL WHERE key = 'n'"
    )
    file = str(tmp_path / "f")
    assert exit_code("fingerprint", "--path", str(copy), "--output", file) == 0
    assert exit_code("validate", "--all", "--path", str(copy), "--fingerprint", file) == 0
    assert "TypeError" not in capsys.readouterr().out
