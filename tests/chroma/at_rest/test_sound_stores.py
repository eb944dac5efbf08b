"""What servers leave on a disk when all is well is never called damage."""

import os
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma, scope_path
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget

SECOND = Scope("default_tenant", "second")


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
    target.stop()
    yield target.data
    target.remove()


@pytest.fixture
def copy(store, tmp_path):
    shutil.copytree(store, tmp_path / "data")
    return tmp_path / "data"


def problems(path):
    return [error.message for error in at_rest.observe(path).read_errors]


def test_segments_that_a_deleted_database_leaves_behind_are_sound(store):
    with closing(sqlite3.connect(store / "chroma.sqlite3")) as db:
        gone = "SELECT count(*) FROM segments WHERE collection NOT IN (SELECT id FROM collections)"
        assert db.execute(gone).fetchone() == (2,)
    assert problems(store) == []
