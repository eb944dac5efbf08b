"""What a collection cannot be asked is not run; what is not there at all is never PASS."""

import os

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget

VECTORS = np.random.default_rng(0).standard_normal((30, 8)).astype(np.float32)
IDS = [f"r{n}" for n in range(30)]
TEXTS = [f"text number {n}" for n in range(30)]
BARE = {
    "without metadata": {"documents": TEXTS},
    "without documents": {"metadatas": [{"n": n} for n in range(30)]},
    "with empty documents": {"documents": [""] * 30},
    "with nothing but vectors": {},
}


@pytest.fixture
def target(tmp_path):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


@pytest.mark.parametrize("columns", BARE.values(), ids=BARE)
def test_simple_healthy_collection_is_proven(target, columns, capsys):
    with Chroma(target.url) as chroma:
        docs = chroma.create_collection(Scope(), "docs")
        chroma.upsert(docs, ids=IDS, vectors=VECTORS, **columns)
    assert invoke(["validate", "--url", target.url, "--all"]) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_schema_without_a_text_and_a_key_index_is_asked_only_what_it_allows(target, capsys):
    off = {"enabled": False, "config": {}}
    schema = {
        "defaults": {},
        "keys": {
            "n": {"int": {"int_inverted_index": off}},
            "#document": {"string": {"fts_index": off}},
        },
    }
    with Chroma(target.url) as chroma:
        path = "/api/v2/tenants/default_tenant/databases/default_database/collections"
        chroma.call("POST", path, {"name": "docs", "schema": schema})
        docs = chroma.collection(Scope(), "docs")
        chroma.upsert(docs, ids=IDS, vectors=VECTORS, documents=TEXTS,
                      metadatas=[{"n": n} for n in range(30)])  # fmt: skip
    target.stop()
    with target.volume() as data:
        code = invoke(["validate", "--path", str(data), "--all", "--serve"])
    assert code == 0, capsys.readouterr().out


def test_store_without_collections_is_not_proven(target, capsys):
    assert invoke(["validate", "--url", target.url, "--all"]) == 2
    assert "nothing to check" in capsys.readouterr().out


def test_backup_of_nothing_is_refused_and_says_where_there_is_something(target, tmp_path):
    with Chroma(target.url) as chroma:
        chroma.create_database(Scope("default_tenant", "other"))
        chroma.create_collection(Scope("default_tenant", "other"), "docs")
    export = tmp_path / "e.jsonl"
    with pytest.raises(Unavailable, match="--scope default_tenant/other"):
        invoke(["backup", "--url", target.url, "--all", "--output-file", str(export)])
    assert not export.exists()
