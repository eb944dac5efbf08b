"""Clients that add, change and delete, so that a store holds what stores hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.chroma.at_rest.servers import Json, Server

SPACES = ("l2", "cosine", "ip")


def hnsw(space: str, threshold: int) -> Json:
    return {
        "hnsw": {"space": space, "sync_threshold": threshold, "batch_size": min(threshold, 100)}
    }


def vectors(rows: int, dimension: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)


def churn(server: Server, collection: Json, rounds: int, dimension: int, seed: int) -> None:
    """Adds, upserts, updates with and without vectors, deletes, re-adds."""
    rng = np.random.default_rng(seed)
    for r in range(rounds):
        ids = [f"r{i}" for i in range(r * 20, r * 20 + 20)]
        metas = [{"i": i, "f": float(i), "b": i % 2 == 0, "s": f"s{i}"} for i in range(20)]
        docs = [f"document {i} of round {r}" for i in ids]
        server.do(
            collection,
            "add",
            ids=ids,
            embeddings=vectors(20, dimension, r),
            documents=docs,
            metadatas=metas,
        )
        old = [f"r{i}" for i in rng.choice(r * 20 + 20, 6, replace=False)]
        server.do(collection, "update", ids=old[:2], embeddings=None, documents=["changed", "also"])
        server.do(
            collection, "update", ids=old[2:4], embeddings=vectors(2, dimension, 1000 + r) * 7
        )
        server.do(
            collection,
            "upsert",
            ids=old[3:5],
            embeddings=vectors(2, dimension, 2000 + r),
            metadatas=[{"l": [r, r + 1]}, {"f": 2}],
        )
        server.do(collection, "delete", ids=old[4:])
        server.do(collection, "add", ids=old[5:], embeddings=vectors(1, dimension, 3000 + r))
