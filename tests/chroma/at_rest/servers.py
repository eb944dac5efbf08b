"""Real servers for the tests: started on free ports, ended by their own pid."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.structure import structure_problems
from chromadrill.targets.home import free_port
from chromadrill.targets.process.installed_releases import installed_server

CHROMA = installed_server().command
Json = dict[str, Any]


class Server:
    def __init__(self, path: Path) -> None:
        port = free_port()
        path.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [*CHROMA, "run", "--path", str(path), "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=path.parent,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        )  # fmt: skip
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v2",
            timeout=60,
            verify=False,  # noqa: S501 - there is no TLS
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("the server ended at once")
            try:
                if self.client.get("/heartbeat").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.02)
        self.stop()
        raise RuntimeError("the server did not answer")

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def base(collection: Json) -> str:
        return f"/tenants/{collection['tenant']}/databases/{collection['database']}/collections"

    def create(
        self, name: str, tenant: str = "default_tenant", database: str = "default_database",
        **rest: Any,
    ) -> Json:  # fmt: skip
        where = self.base({"tenant": tenant, "database": database})
        answer = self.client.post(where, json={"name": name, **rest})
        assert answer.status_code == 200, answer.text
        collection: Json = answer.json()
        return collection

    def do(self, collection: Json, verb: str, **body: Any) -> Any:
        answer = self.client.post(
            f"{self.base(collection)}/{collection['id']}/{verb}",
            content=orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code in (200, 201), (verb, answer.status_code, answer.text)
        return orjson.loads(answer.content)

    def everything(self, collection: Json) -> Json:
        columns = ["documents", "metadatas", "uris", "embeddings"]
        answer: Json = self.do(collection, "get", include=columns)
        return answer

    def listing(
        self, tenant: str = "default_tenant", database: str = "default_database"
    ) -> list[Json]:
        path = self.base({"tenant": tenant, "database": database})
        collections: list[Json] = self.client.get(path).json()
        return collections


def with_types(value: Any) -> Any:
    """A value that compares with its types: 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_types(item) for item in value]
    return (type(value).__name__, value)


def assert_equal(
    store: Store, live: Json, answer: Json, size: int = 7, *, exact: bool = True
) -> None:
    """The store's pages of one collection equal the live `get`, vectors bit for bit."""
    info = next(i for i in store.collections() if i.id == live["id"])
    pages = list(store.pages(info, size))
    ids = [i for p in pages for i in p.ids]
    assert ids == answer["ids"]
    assert store.count(info) == len(ids)
    assert all(not p.without_vector for p in pages)
    assert [d for p in pages for d in p.documents] == (answer["documents"] or [None] * len(ids))
    assert [u for p in pages for u in p.uris] == (answer["uris"] or [None] * len(ids))
    assert with_types([m for p in pages for m in p.metadatas]) == with_types(answer["metadatas"])
    if ids:
        mine = np.concatenate([p.vectors for p in pages])
        theirs = np.array(answer["embeddings"], np.float64).astype(np.float32)
        assert mine.dtype == np.float32
        assert mine.shape == theirs.shape
        if exact:
            assert (mine.view(np.uint32) == theirs.view(np.uint32)).all()
        else:
            assert np.allclose(mine, theirs, rtol=1e-6, atol=1e-6)
    assert structure_problems(store, info) == []


def sql(path: Path, *statements: str) -> None:
    """Change a store's database behind its back."""
    connection = sqlite3.connect(path / "chroma.sqlite3", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def file_states(path: Path) -> dict[str, tuple[int, int, int]]:
    """Size, mtime and mode of everything under a directory."""
    return {
        str(p): (p.stat().st_size, p.stat().st_mtime_ns, p.stat().st_mode)
        for p in [path, *path.rglob("*")]
    }
