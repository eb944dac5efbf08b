"""The records read at rest equal the live server's answers."""

from __future__ import annotations

import base64
import shutil
import signal
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.integrity import integrity_problems
from chromadrill.chroma.at_rest.structure import structure_problems
from chromadrill.core.clock import wait_until
from tests.chroma.at_rest.churn import SPACES, churn, hnsw, vectors
from tests.chroma.at_rest.servers import (
    Json,
    Server,
    assert_equal,
    file_states,
    with_types,
)

pytestmark = pytest.mark.slow  # minutes of real servers

Serve = Callable[..., Server]


def check(path: Path, live: list[tuple[Json, Json]]) -> None:
    before = file_states(path)
    with Store.open(path) as store:
        assert integrity_problems(store.db, store.path) == []
        for collection, answer in live:
            assert_equal(store, collection, answer)
            info = next(i for i in store.collections() if i.id == collection["id"])
            assert with_types(info.metadata) == with_types(collection["metadata"])
            assert info.dimension == collection["dimension"]
    assert file_states(path) == before


def contents(server: Server) -> list[tuple[Json, Json]]:
    return [(collection, server.everything(collection)) for collection in server.listing()]


@pytest.mark.parametrize("threshold", [10, 77, 1000])
def test_churned_collections_of_every_space_equal_the_live_answer(
    tmp_path: Path, serve: Serve, threshold: int
) -> None:
    server = serve(tmp_path / "d")
    for number, space in enumerate(SPACES):
        for dimension in (1, 5, 96):
            name = f"{space}_{dimension}"
            collection = server.create(name, configuration=hnsw(space, threshold))
            churn(server, collection, 12, dimension, number)
    live = contents(server)
    server.stop()
    check(tmp_path / "d", live)


def test_collections_restarted_many_times_equal_the_live_answer(
    tmp_path: Path, serve: Serve
) -> None:
    live: list[tuple[Json, Json]] = []
    for turn in range(4):
        server = serve(tmp_path / "d")
        for space in SPACES:
            collection = server.create(
                f"c_{space}", configuration=hnsw(space, 50), get_or_create=True
            )
            if turn == 3:
                server.do(collection, "delete", ids=[f"r{i}" for i in range(30)])
            else:
                churn(server, collection, 4 + turn, 16, turn)
        live = contents(server)
        server.stop(signal.SIGKILL if turn == 1 else signal.SIGTERM)
    check(tmp_path / "d", live)


def test_metadata_of_every_kind_and_odd_ids_equal_the_live_answer(
    tmp_path: Path, serve: Serve
) -> None:
    server = serve(tmp_path / "d")
    collection = server.create(
        "kinds", metadata={"a": 1, "b": 1.0, "c": True, "d": "x"}, configuration=hnsw("cosine", 5)
    )
    odd = [
        "a/b",
        "ü 漢 🎈",
        "tab\tnew\nline\x01",
        "nul\x00in",
        "r\x01\x02\x03\x04",
        " ",
        "x" * 3000,
    ]
    server.do(
        collection,
        "add",
        ids=odd,
        embeddings=vectors(len(odd), 4),
        documents=["", None, "dö\x00c", "x", None, "y" * 5000, "z"],
        uris=["u://1", "u://2", None, None, None, None, None],
    )
    metas: list[Json | None] = [
        {"i": 1, "f": 1.0, "b": True, "s": "1"}, {"i": 2**60 + 1, "f": 1e300, "n": -0.0},
        {"li": [1, 2], "lf": [1.0, 2.5], "ls": ["b", "a", "b"], "lb": [True, False]},
        {"mixed": [1, 2.5], "empty": []}, {}, None, {"chroma:foo": 1}, {"chroma:foo": 1, "x": 2},
        {"i": 2**63}, {"i": -(2**63)},
    ]  # fmt: skip
    server.do(
        collection,
        "add",
        ids=[f"m{i}" for i in range(len(metas))],
        embeddings=vectors(len(metas), 4, 1),
        metadatas=metas,
    )
    server.do(
        collection,
        "update",
        ids=["m0"],
        embeddings=None,
        metadatas=[{"i": 1.0, "f": None, "b": [True]}],
    )
    server.do(
        collection,
        "update",
        ids=["m2"],
        embeddings=None,
        metadatas=[{"li": 7, "lf": None, "ls": []}],
    )
    server.do(collection, "add", ids=["m1"], embeddings=vectors(1, 4, 9), documents=["is ignored"])
    server.do(
        collection, "update", ids=["nobody"], embeddings=vectors(1, 4, 9), documents=["is ignored"]
    )
    server.create("empty", configuration=hnsw("ip", 10))
    live = contents(server)
    server.stop()
    check(tmp_path / "d", live)


def test_extreme_vectors_equal_the_live_answer_and_are_sound(tmp_path: Path, serve: Serve) -> None:
    server = serve(tmp_path / "d")
    rows = np.array(
        [[0, 0, 0], [1e-30, 0, 0], [1e-22, 1e-22, 0], [3e38, 0, 0], [1e15, 1, 1], [1e-40, 0, 0]],
        np.float32,
    )  # fmt: skip
    coded = [base64.b64encode(row.tobytes()).decode() for row in rows]
    for space in SPACES:
        for threshold in (3, 1000):
            collection = server.create(f"{space}{threshold}", configuration=hnsw(space, threshold))
            server.do(collection, "add", ids=[f"e{i}" for i in range(len(rows))], embeddings=coded)
    live = contents(server)
    server.stop()
    with Store.open(tmp_path / "d") as store:
        for collection, answer in live:
            info = next(i for i in store.collections() if i.id == collection["id"])
            page = next(store.pages(info))
            theirs = np.array(answer["embeddings"], np.float64).astype(np.float32)
            assert np.array_equal(page.vectors, theirs, equal_nan=True), collection["name"]
            assert structure_problems(store, info) == []


def test_tenants_databases_configuration_and_schema_equal_the_api(
    tmp_path: Path, serve: Serve
) -> None:
    server = serve(tmp_path / "d")
    server.client.post("/tenants", json={"name": "acme"})
    server.client.post("/tenants/acme/databases", json={"name": "prod"})
    known = {"type": "known", "name": "default", "config": {"a": 1}}
    bodies: list[Json] = [
        {}, {"metadata": {"hnsw:space": "ip"}}, {"configuration": hnsw("cosine", 17)},
        {"metadata": {"hnsw:space": "ip"}, "configuration": hnsw("cosine", 1000)},
        {"configuration": {"hnsw": {"space": "l2", "max_neighbors": 5, "resize_factor": 1.5}}},
        {"configuration": {"embedding_function": known}}, {"configuration": {"spann": {}}},
        {"configuration": {"embedding_function": {"type": "legacy"}}},
    ]  # fmt: skip
    for tenant, database in (("default_tenant", "default_database"), ("acme", "prod")):
        for number, body in enumerate(bodies):
            collection = server.create(f"coll{number}", tenant, database, **body)
            server.do(collection, "add", ids=["a"], embeddings=[[1, 2, 3]], metadatas=[{"k": 1}])
    theirs = [
        collection for place in (("default_tenant", "default_database"), ("acme", "prod"))
        for collection in server.listing(*place)
    ]  # fmt: skip
    server.stop()
    with Store.open(tmp_path / "d") as store:
        assert store.tenants() == ["acme", "default_tenant"]
        assert store.databases() == [("acme", "prod"), ("default_tenant", "default_database")]
        mine = {i.id: i for i in store.collections()}
        assert len(mine) == len(theirs)
        for collection in theirs:
            info = mine[collection["id"]]
            for name in ("name", "tenant", "database"):
                assert getattr(info, name) == collection[name]
            assert with_types(info.configuration) == with_types(collection["configuration_json"])
            assert with_types(info.schema) == with_types(collection["schema"])
            assert with_types(info.metadata) == with_types(collection["metadata"])
            assert info.space == collection["configuration_json"]["hnsw"]["space"]
            assert structure_problems(store, info) == []


@pytest.mark.parametrize("turn", range(4))
def test_a_store_killed_while_writing_equals_what_the_next_server_answers(
    tmp_path: Path, serve: Serve, turn: int
) -> None:
    path = tmp_path / "d"
    server = serve(path)
    collection = server.create("killed", configuration=hnsw("cosine", 100))

    def write() -> None:
        try:
            for i in range(400):
                ids = [f"r{(i * 30 + j) % 900}" for j in range(40)]
                server.do(
                    collection,
                    "upsert",
                    ids=ids,
                    embeddings=vectors(40, 48, i),
                    documents=[f"{i} {j}" for j in range(40)],
                    metadatas=[{"i": i, "l": [i]}] * 40,
                )
                server.do(collection, "delete", ids=ids[:2])
                rounds.append(i)
        except (httpx.HTTPError, RuntimeError):
            pass

    rounds: list[int] = []
    thread = threading.Thread(target=write)
    thread.start()
    wait_until(lambda: len(rounds) >= 30 + 7 * turn, within_s=60, name="writes", every_s=0.01)
    server.stop(signal.SIGKILL)
    thread.join()
    before = file_states(path)
    with Store.open(path) as store:
        info = store.collections()[0]
        pages = list(store.pages(info))
        assert structure_problems(store, info) == []
        assert integrity_problems(store.db, store.path) == []
    assert file_states(path) == before
    answer = serve(path).everything(collection)
    assert [i for p in pages for i in p.ids] == answer["ids"]
    assert [d for p in pages for d in p.documents] == answer["documents"]
    assert with_types([m for p in pages for m in p.metadatas]) == with_types(answer["metadatas"])
    theirs = np.array(answer["embeddings"], np.float64).astype(np.float32)
    assert (np.concatenate([p.vectors for p in pages]) == theirs).all()


def test_deleted_collections_vacuum_wal_mode_and_orphans_are_healthy(
    tmp_path: Path, serve: Serve
) -> None:
    path = tmp_path / "d"
    server = serve(path)
    for name in ("keep", "gone", "last"):
        churn(server, server.create(name, configuration=hnsw("l2", 20)), 5, 8, 1)
    for name in ("gone", "last"):
        server.client.delete(f"{server.base(server.listing()[0])}/{name}")
    live = contents(server)
    server.stop()
    (path / "00000000-1111-2222-3333-444444444444").mkdir()
    check(path, live)
    connection = sqlite3.connect(path / "chroma.sqlite3", isolation_level=None)
    connection.execute("VACUUM")
    assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    connection.execute("CREATE TABLE scratch(a)")
    check(path, live)  # a -wal lies beside the file now
    connection.close()
    check(path, live)


def test_a_hot_journal_is_rolled_back_in_a_private_copy(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, hot = tmp_path / "d", tmp_path / "hot"
    server = serve(path)
    churn(server, server.create("coll", configuration=hnsw("l2", 40)), 20, 64, 1)
    live = contents(server)
    server.stop()
    connection = sqlite3.connect(path / "chroma.sqlite3", isolation_level=None)
    connection.execute("PRAGMA cache_size=5")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE embedding_metadata SET string_value = 'torn'")
    connection.execute("DELETE FROM embeddings")
    shutil.copytree(path, hot)
    connection.execute("ROLLBACK")
    connection.close()
    assert (hot / "chroma.sqlite3-journal").stat().st_size > 512
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))  # that of others has folders of others
    check(hot, live)
    assert list(scratch.iterdir()) == []
