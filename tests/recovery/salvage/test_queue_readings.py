"""What the server ignored is never a record's vector, however the queue goes on."""

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from typing import NamedTuple

import numpy as np
import pytest

from chromadrill.backups.export import formats
from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.connection import connect
from chromadrill.chroma.fingerprint import at_rest, fingerprint_file, live
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.front_door import enter

SYNCED = "default_tenant/default_database/synced"
RECORDS = 30
SYNCED_AT = {"synced": 10, "young": 1000, "replayed": 50}
IGNORED = [9.0, 9.0, 9.0, 9.0]
IDS = [f"r{n}" for n in range(RECORDS)]


class Written(NamedTuple):
    """A stopped server's directory, and what it answered: collection -> id -> vector.

    `before`: a fingerprint of the collection `synced`, as its index has it.
    """

    path: object
    answered: dict
    before: object


def write(chroma, info, operation, ids, vectors):
    path = f"/api/v2/tenants/default_tenant/databases/default_database/collections/{info.id}"
    chroma.call("POST", f"{path}/{operation}", {"ids": ids, "embeddings": vectors})


def write_to_synced(chroma, info, rng):
    """Some records are in the index, and later entries name them. Returns a fingerprint between."""
    chroma.upsert(info, ids=IDS, vectors=rng.normal(size=(RECORDS, 4)).astype(np.float32))
    before = live.fingerprint(chroma, [Scope()])
    write(chroma, info, "add", ["r7"], [IGNORED])
    write(chroma, info, "upsert", ["r8"], [[8.0, 8.0, 8.0, 8.0]])
    chroma.update_metadata(info, ["r7"], [{"seen": True}])
    write(chroma, info, "add", ["new", "seen"], [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]])
    chroma.update_metadata(info, ["seen"], [{"seen": True}])
    return before


def write_to_young(chroma, info, rng):
    """No index was written yet."""
    write(chroma, info, "update", ["x"], [IGNORED])
    write(chroma, info, "add", ["x", "y"], [[1.0, 2.0, 3.0, 4.0]] * 2)
    chroma.delete(info, ["y"])
    write(chroma, info, "update", ["y"], [IGNORED])
    write(chroma, info, "add", ["y", "z"], [[4.0, 3.0, 2.0, 1.0]] * 2)
    chroma.update_metadata(info, ["z"], [{"seen": True}])


def write_to_replayed(chroma, info, rng):
    """The queue has a vector for each record, and a replay takes another one for r0."""
    for ids in (IDS, IDS[:20], IDS[1:]):
        chroma.upsert(info, ids=ids, vectors=rng.normal(size=(len(ids), 4)).astype(np.float32))
    write(chroma, info, "update", ["r0"], [[1.0, 2.0, 3.0, 4.0]])
    write(chroma, info, "add", ["r0"], [IGNORED])


WRITE = {"synced": write_to_synced, "young": write_to_young, "replayed": write_to_replayed}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    target, answered, before = ProcessTarget(folder / "home"), {}, None
    rng = np.random.default_rng(5)
    target.start()
    with connect(target.url) as chroma:
        for name, write_to in WRITE.items():
            settings = {"space": "l2", "sync_threshold": SYNCED_AT[name], "batch_size": 5}
            info = chroma.create_collection(Scope(), name, hnsw=settings)
            before = write_to(chroma, info, rng) or before
            page = chroma.get(info, include=("embeddings",))
            answered[f"default_tenant/default_database/{name}"] = {
                id_: np.float32(vector).tolist()
                for id_, vector in zip(page["ids"], page["embeddings"], strict=True)
            }
    target.stop()
    shutil.copytree(target.data, folder / "data")
    target.remove()
    return Written(folder / "data", answered, before)


@pytest.fixture
def data(written, tmp_path):
    return shutil.copytree(written.path, tmp_path / "data")


def tear_indexes(data, *names):
    with Store.open(data) as store:
        for info in store.collections():
            if info.name in names:
                file = data / store.segment(info, "VECTOR").id / "data_level0.bin"
                file.write_bytes(b"")


def salvaged(capsys, data, folder, code, *options):
    ended = enter(capsys, "salvage", data, "--into", folder / "new.jsonl", *options)
    assert ended.code == code, ended.text
    reader = formats.open_export(folder / "new.jsonl")
    return {
        key: {
            id_: vector.tolist()
            for page in reader.pages(key)
            for id_, vector in zip(page.ids, page.vectors, strict=True)
        }
        for key in reader.fingerprint.collections
    }


def test_a_sound_store_comes_back_as_the_server_answered_it(written, tmp_path, capsys):
    assert salvaged(capsys, written.path, tmp_path, 0) == written.answered


@pytest.mark.parametrize(("lost", "until"), [(None, 9), (9, 8), (4, 3), (1, 0)])
def test_what_was_never_purged_is_told_up_to_the_first_gap(data, lost, until):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        database.execute("DELETE FROM embeddings_queue")
        database.executemany(
            "INSERT INTO embeddings_queue (seq_id, operation, topic, id) VALUES (?, 0, 't', 'a')",
            [(number,) for number in range(1, 10) if number != lost],
        )
    with Store.open(data) as store:
        assert store.unpurged_until == until


def test_an_addition_at_the_mark_of_the_index_is_judged_by_the_index(
    written, data, tmp_path, capsys
):
    """The server keeps the entry at the mark."""
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        database.execute(
            "DELETE FROM embeddings_queue WHERE seq_id < (SELECT seq_id FROM embeddings_queue"
            " WHERE id = 'r7' AND operation = 0)"  # this collection's: the others are younger
        )
        database.execute(
            "UPDATE max_seq_id SET seq_id = (SELECT seq_id FROM embeddings_queue WHERE id = 'r7' AND"
            " operation = 0) WHERE segment_id IN (SELECT s.id FROM segments s JOIN collections c"
            " ON c.id = s.collection WHERE c.name = 'synced' AND s.scope = 'VECTOR')"
        )
    assert salvaged(capsys, data, tmp_path, 0) == written.answered


def test_without_its_index_a_record_has_its_own_vector_or_none(written, data, tmp_path, capsys):
    tear_indexes(data, "synced", "young", "replayed")
    back = salvaged(capsys, data, tmp_path, 1)
    for key, vectors in back.items():
        assert vectors.items() <= written.answered[key].items()
    synced, young, replayed = (
        back[f"default_tenant/default_database/{name}"] for name in ("synced", "young", "replayed")
    )
    assert synced.keys() >= {"r8", "new", "seen"}
    assert "r7" not in synced  # nothing is left that says that its addition was ignored
    assert young.keys() == {"x", "y", "z"}
    assert "r0" in replayed


def test_a_replay_that_would_take_an_ignored_vector_is_refused(data, tmp_path, capsys):
    tear_indexes(data, "replayed")
    ended = enter(capsys, "replay", "--path", data, "--into", tmp_path / "new")
    assert ended.code == 1, ended.text
    assert "the queue does not give 1 record the vector that is theirs" in ended.out
    assert not (tmp_path / "new").exists()


BROKEN = {
    "cut": "vector = substr(vector, 1, 8)",
    "not a number": "vector = x'0000c07f0000c07f0000c07f0000c07f'",
    "lost": "vector = NULL",
    "of no known encoding": "encoding = 'X'",
}


def change_queue(data, change, id_):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        database.execute("UPDATE embeddings_queue SET created_at = datetime(created_at, '-1 hour')")
        database.execute(
            f"UPDATE embeddings_queue SET {change} WHERE id = ? AND topic LIKE"
            " (SELECT '%/' || id FROM collections WHERE name = 'synced')",
            (id_,),
        )


@pytest.mark.parametrize("broken", BROKEN)
def test_a_newest_vector_that_cannot_be_read_is_not_replaced_by_the_one_before(
    written, data, tmp_path, broken, capsys
):
    change_queue(data, BROKEN[broken], "r8")
    back = salvaged(capsys, data, tmp_path, 1)
    assert {**written.answered[SYNCED], **back[SYNCED]} == written.answered[SYNCED]
    assert back[SYNCED].keys() == written.answered[SYNCED].keys() - {"r8"}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_fingerprint_from_before_a_write_that_cannot_be_read_proves_nothing_of_it(
    written, data, tmp_path, broken, capsys
):
    """The text is the fingerprint's, and so is the vector that the index still has of r8."""
    before = dataclasses.replace(written.before, taken_at="2020-01-01T00:00:00Z")
    fingerprint_file.save(before, tmp_path / "before")
    change_queue(data, BROKEN[broken], "r8")
    back = salvaged(capsys, data, tmp_path, 1, "--fingerprint", tmp_path / "before")
    assert "r8" not in back[SYNCED]


def test_a_queue_that_a_fingerprint_refutes_costs_no_vector_of_the_index(
    written, data, tmp_path, capsys
):
    fingerprint_file.save(at_rest.fingerprint(data), tmp_path / "before")
    change_queue(data, "vector = x'0000803f0000803f0000803f0000803f'", f"r{RECORDS - 1}")
    back = salvaged(capsys, data, tmp_path, 0, "--fingerprint", tmp_path / "before")
    assert back == written.answered


def test_two_rows_that_changed_their_ids_cost_no_vector_of_the_queue(
    written, data, tmp_path, capsys
):
    """The entries stand beside the ids that they were written under."""
    change = "UPDATE embeddings SET embedding_id = ? WHERE embedding_id = ?"
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        for new, old in (("-", "new"), ("new", "r8"), ("r8", "-")):
            database.execute(change, (new, old))
    assert salvaged(capsys, data, tmp_path, 1)[SYNCED] == written.answered[SYNCED]
