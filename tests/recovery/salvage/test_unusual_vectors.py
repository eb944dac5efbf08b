"""Vectors of nothing, vectors of length 1, and a dimension that the tables have wrong."""

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.core.model import Scope
from chromadrill.recovery.salvage.bring_back import look_at
from chromadrill.targets.process.target import ProcessTarget

RECORDS = 40


def vectors_of(name):
    vectors = np.random.default_rng(5).normal(size=(RECORDS, 8)).astype(np.float32)
    if name == "nothing":
        vectors[7] = 0
    if name == "units":
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A stopped server's directory: most vectors of each collection are in its index alone."""
    folder = tmp_path_factory.mktemp("unusual")
    target = ProcessTarget(folder / "home")
    target.start()
    with Chroma(target.url) as chroma:
        for name, space in (("nothing", "cosine"), ("units", "l2")):
            hnsw = {"space": space, "sync_threshold": 10, "batch_size": 5}
            collection = chroma.create_collection(Scope(), name, hnsw=hnsw)
            ids = [f"r{n}" for n in range(RECORDS)]
            chroma.upsert(collection, ids=ids, vectors=vectors_of(name), documents=ids)
    target.stop()
    shutil.copytree(target.data, folder / "data")
    target.remove()
    return folder / "data"


@pytest.fixture
def data(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def findings_of(data, name, before=None):
    (one,) = (c for c in look_at(data, before).findings.collections if c.key.endswith(f"/{name}"))
    return one


def change(data, sql):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        assert database.execute(sql).rowcount == 1


def lengths_of(data, name):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database:
        sql = (
            "SELECT s.id FROM segments s JOIN collections c ON c.id = s.collection"
            " WHERE s.scope = 'VECTOR' AND c.name = ?"
        )
        (segment,) = database.execute(sql, (name,)).fetchone()
    return data / segment / "length.bin"


def test_a_vector_of_nothing_in_a_cosine_collection_is_whole(data):
    assert findings_of(data, "nothing").is_whole


def test_a_vector_of_nothing_beside_a_length_is_doubtful(data):
    file = lengths_of(data, "nothing")
    lengths = np.fromfile(file, "<f4")
    lengths[lengths == 0] = 2
    lengths.tofile(file)
    assert findings_of(data, "nothing").taken == RECORDS - 1


def test_a_vector_beside_a_length_of_nothing_is_doubtful(data):
    file = lengths_of(data, "nothing")
    lengths = np.fromfile(file, "<f4")
    lengths[:10] = (
        0  # rows come in no order: one may be that of the vector of nothing, one in the queue
    )
    lengths.tofile(file)
    assert findings_of(data, "nothing").taken <= RECORDS - 8


def test_zeroes_beside_a_file_of_zeroes_are_nothing(data):
    file = lengths_of(data, "nothing")
    file.write_bytes(bytes(file.stat().st_size))
    assert findings_of(data, "nothing").taken <= RECORDS // 2


def test_unit_vectors_beside_lengths_that_nobody_wrote_are_no_cosine_index(data):
    """For another metric a server never fills its lengths, and writes what the memory held."""
    file = lengths_of(data, "units")
    held = np.array([-7e30, 4.5e-41, 0, 0, 1.8, 4.5e-41, 2.1e-44, 0], "<f4")
    np.resize(held, file.stat().st_size // 4).tofile(file)
    assert findings_of(data, "units").is_whole


def test_a_cosine_index_under_another_metric_is_told_in_spite_of_a_vector_of_nothing(data):
    change(
        data,
        "UPDATE collections SET schema_str = replace(schema_str, 'cosine', 'l2'),"
        " config_json_str = replace(config_json_str, 'cosine', 'l2') WHERE name = 'nothing'",
    )
    one = findings_of(data, "nothing")
    assert one.taken <= RECORDS // 2
    assert "it was written for cosine, and the configuration says l2" in one.damage


def test_a_dimension_of_the_tables_that_index_and_queue_refute_is_corrected(data):
    change(data, "UPDATE collections SET dimension = 9 WHERE name = 'units'")
    one = findings_of(data, "units")
    assert one.taken == RECORDS
    assert one.damage == ["its vectors have 8 dimensions, not 9"]


def test_a_dimension_that_the_index_alone_refutes_is_told_by_the_fingerprint(data):
    before = at_rest.fingerprint(data)
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        database.execute("DELETE FROM embeddings_queue")
    change(data, "UPDATE collections SET dimension = 9 WHERE name = 'units'")
    assert findings_of(data, "units").taken == 0  # the folder may be another collection's
    assert findings_of(data, "units", before).proven >= RECORDS - 5


def test_unit_vectors_in_a_file_of_more_rows_than_lengths_may_be_anothers(data):
    file = lengths_of(data, "units").with_name("data_level0.bin")
    file.write_bytes(file.read_bytes() * 2)
    assert findings_of(data, "units").taken <= RECORDS // 2
