"""What is asked, as data: request, and what its answer must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle

import numpy as np
import orjson

from chromadrill.chroma.client import base
from chromadrill.datasets.probes import KnownAnswer
from chromadrill.model import JSON, CollectionInfo

NEAREST = 10
WRITTEN_AT_ONCE = 4
WRITES = 16  # different ones; repeated ones overwrite


@dataclass(frozen=True, slots=True)
class Operation:
    """One POST. `record` and `document` must be in the answer; empty for a write."""

    kind: str  # search, get or upsert
    path: str
    body: str
    record: str = ""
    document: str | None = None

    def to_json(self) -> JSON:
        return asdict(self)


def search(asked: KnownAnswer, info: CollectionInfo) -> Operation:
    body = {
        "query_embeddings": [asked.vector],
        "n_results": NEAREST,
        "include": ["documents", "distances"],
    }
    return _made("search", info, "query", body, asked.record, asked.document)


def get(asked: KnownAnswer, info: CollectionInfo) -> Operation:
    body = {"ids": [asked.record], "include": ["documents"]}
    return _made("get", info, "get", body, asked.record, asked.document)


def upsert(number: int, info: CollectionInfo, dimension: int) -> Operation:
    """A write into a collection of our own."""
    rng = np.random.default_rng(number)
    body = {
        "ids": [f"load-{number}-{row}" for row in range(WRITTEN_AT_ONCE)],
        "embeddings": rng.normal(size=(WRITTEN_AT_ONCE, dimension)).round(6).tolist(),
        "documents": [f"written under load: {number}, {row}" for row in range(WRITTEN_AT_ONCE)],
    }
    return _made("upsert", info, "upsert", body)


def _made(
    kind: str,
    info: CollectionInfo,
    verb: str,
    body: JSON,
    record: str = "",
    document: str | None = None,
) -> Operation:
    path = f"{base(info.scope)}/collections/{info.id}/{verb}"
    return Operation(kind, path, orjson.dumps(body).decode(), record, document)


def interleaved(mix: Mapping[str, int], made: Mapping[str, Sequence[Operation]]) -> list[Operation]:
    """One cycle of operations: `mix` holds at every point, no kind comes in a bunch.

    Arrival n does number n modulo its length.
    """
    places = sorted(
        ((turn + 0.5) / weight, kind) for kind, weight in mix.items() for turn in range(weight)
    )
    # as many rounds as let every operation of the largest share come up
    rounds = max(-(-len(made[kind]) // weight) for kind, weight in mix.items())
    next_of = {kind: cycle(made[kind]) for kind in mix}
    return [next(next_of[kind]) for _ in range(rounds) for _, kind in places]
