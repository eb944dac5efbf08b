"""What is asked, as data: request, and what its answer must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle

import numpy as np
import orjson

from chromadrill.chroma.client import quote, scope_path
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.workload.queries.known_answer import NEAREST, KnownAnswer

WRITTEN_AT_ONCE = 4
WRITES = 16  # different ones; repeated ones overwrite


@dataclass(frozen=True, slots=True)
class Operation:
    """One POST. `record` and `document` must be in the answer, which holds `least` records at least;
    empty for a write. `named`: GET it to learn the collection's id again."""

    kind: str  # search, get or upsert
    path: str
    body: str
    record: str = ""
    document: str | None = None
    least: int = 0
    named: str = ""

    def to_json(self) -> JSON:
        return asdict(self)

    def path_of(self, found: str) -> str:
        """The path, where the collection has the id `found` now."""
        return f"{self.named.rpartition('/')[0]}/{found}/{self.path.rpartition('/')[2]}"

    def written(self) -> dict[str, str]:
        """The documents that a write writes, by id."""
        body = orjson.loads(self.body)
        return dict(zip(body["ids"], body["documents"], strict=True))


def search(asked: KnownAnswer, info: CollectionInfo, count: int = 0) -> Operation:
    """`count`: records in the collection; as many as are asked for must come, if there are."""
    body = {
        "query_embeddings": [asked.vector],
        "n_results": NEAREST,
        "include": ["documents", "distances"],
    }
    return replace(
        _made("search", info, "query", body, asked.record, asked.document),
        least=min(NEAREST, count),
    )


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
    at = f"{scope_path(info.scope)}/collections"
    text = orjson.dumps(body).decode()
    named = f"{at}/{quote(info.name)}"
    return Operation(kind, f"{at}/{info.id}/{verb}", text, record, document, named=named)


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
