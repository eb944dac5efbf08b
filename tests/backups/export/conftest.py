"""A source with what is hard to carry over, and empty servers to carry it to."""

import os

import numpy as np
import pytest

from chromadrill.backups.export.exporter import export
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.legacy import move_metric_to_metadata

ACME = Scope("acme/eu", "prod")
SCOPES = (ACME, Scope())
PAIRS = [(scope.tenant, scope.database) for scope in SCOPES]


def records(n, dimension, seed=0):
    rng = np.random.default_rng(seed)
    kinds = [
        None,
        {"i": 2**53 + 1, "f": 2.0, "b": True},
        {"s": "§", "l": [1, 2], "b": 1},
        {"x.y": -1},
    ]
    return {
        "ids": [f"r/{at} é\t" for at in range(n)],
        "vectors": rng.normal(size=(n, dimension)).astype(np.float32),
        "documents": [(None, "", f"text {at} " * (at % 40))[min(at % 5, 2)] for at in range(n)],
        "metadatas": [kinds[at % 4] for at in range(n)],
        "uris": [f"u:{at}" if at % 3 == 0 else None for at in range(n)],
    }  # fmt: skip


def fill(chroma):
    """Spaces, settings, an embedding function, indexes off, empty ones, a legacy metric, tenants."""
    chroma.create_tenant(ACME.tenant)
    chroma.create_database(ACME)
    tuned = {"space": "ip", "max_neighbors": 24, "ef_construction": 150, "sync_threshold": 200}
    function = {"type": "known", "name": "sentence_transformer", "config": {"model": "m"}}
    l2 = chroma.create_collection(Scope(), "plain-l2", metadata={"owner": "ops", "v": 1.0})
    ip = chroma.create_collection(ACME, "tuned-ip", hnsw=tuned, embedding_function=function)
    cosine = chroma.create_collection(ACME, "plain-l2", hnsw={"space": "cosine"})
    legacy = chroma.create_collection(Scope(), "legacy", hnsw={"space": "cosine"})
    chroma.create_collection(Scope(), "never-written", hnsw={"space": "cosine"})
    chroma.create_collection(Scope(), "n" * 512)
    chroma.create_collection(Scope(), "Legacy")
    emptied = chroma.create_collection(Scope(), "emptied")
    unindexed = {
        "keys": {"s": {"string": {"string_inverted_index": {"enabled": False, "config": {}}}}}
    }
    path = "/api/v2/tenants/default_tenant/databases/default_database/collections"
    schema = chroma.collection(Scope(), "never-written").schema
    schema = {**schema, "keys": {**schema["keys"], **unindexed["keys"]}}
    chroma.call("POST", path, {"name": "unindexed", "schema": schema})
    for info, n in ((l2, 60), (ip, 210), (cosine, 40), (legacy, 30)):
        chroma.upsert(info, **records(n, 16))
    chroma.upsert(chroma.collection(Scope(), "unindexed"), **records(20, 4))
    chroma.upsert(emptied, ids=["gone"], vectors=np.ones((1, 7), np.float32))
    chroma.delete(emptied, ["gone"])


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A running server with all of it; the tests leave it as it is."""
    target = ProcessTarget(
        tmp_path_factory.mktemp("source") / "home", owner=os.getpid(), scopes=SCOPES
    )
    target.start()
    with Chroma(target.url) as chroma:
        fill(chroma)
    target.stop()
    move_metric_to_metadata(target.data, "legacy")
    target.start()
    yield target
    target.remove()


@pytest.fixture
def empty(tmp_path):
    """A running server that holds nothing."""
    target = ProcessTarget(tmp_path / "empty", owner=os.getpid())
    target.start()
    yield target
    target.remove()


def names(chroma, scope=None):
    """Names of the collections in `scope`."""
    return {info.name for info in chroma.collections(scope or Scope())}


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    """The whole source as a folder."""
    path = tmp_path_factory.mktemp("export") / "all"
    with Chroma(source.url) as chroma:
        export(chroma, path, scopes=SCOPES)
    return path


def has_no_export(folder):
    """Whether there is no file of an export, whole or partial."""
    return [file for file in folder.iterdir() if file.name.startswith((".e", "e."))] == []
