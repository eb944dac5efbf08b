"""A collection of 0.6 that lists l2 and answers by cosine (chroma 2515) comes back as it answers."""

import os
import sqlite3

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget

VECTORS = np.array([[1, 0], [2, 2], [0, 5]], np.float32)


def distances(url):
    with Chroma(url) as chroma:
        choir = chroma.collection(Scope(), "choir")
        return chroma.query(choir, VECTORS[:1], n_results=3)["distances"][0]


@pytest.fixture
def legacy(tmp_path):
    """What 1.5.9 makes of a collection whose metadata 0.6 replaced: no metric in any listing."""
    target = ProcessTarget(tmp_path / "legacy", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        choir = chroma.create_collection(Scope(), "choir", metadata={"owner": "choir"})
        chroma.upsert(choir, ids=["a", "b", "c"], vectors=VECTORS, documents=["x", "y", "z"])
    target.stop()
    with target.volume() as data, sqlite3.connect(data / "chroma.sqlite3") as database:
        database.execute("UPDATE collections SET schema_str = NULL, config_json_str = NULL")
        database.execute(
            "INSERT INTO segment_metadata (segment_id, key, str_value)"
            " SELECT id, 'hnsw:space', 'cosine' FROM segments WHERE scope = 'VECTOR'"
        )
    target.start()
    yield target
    target.remove()


def test_listing_is_not_believed_and_the_distances_come_back(legacy, empty, tmp_path):
    with Chroma(legacy.url) as chroma:
        assert chroma.collection(Scope(), "choir").space == "l2"  # as the server lists it
    before = distances(legacy.url)
    assert before == pytest.approx([0, 0.29289, 1], abs=1e-4)  # as it answers: cosine
    fingerprint, export = str(tmp_path / "f"), str(tmp_path / "e.jsonl")

    assert invoke(["fingerprint", "--url", legacy.url, "--output", fingerprint]) == 0
    assert invoke(["validate", "--all", "--url", legacy.url, "--fingerprint", fingerprint]) == 0
    assert invoke(["backup", "--all", "--url", legacy.url, "--output-file", export]) == 0
    assert invoke(["restore", "--url", empty.url, "--input-file", export]) == 0
    assert distances(empty.url) == pytest.approx(before, abs=1e-5)
