"""What is asked under load, as data: the request, and what its answer must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle

import numpy as np
import orjson

from chromadrill.chroma.client import quote, scope_path
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.workload.queries.known_answer import NEAREST, KnownAnswer

RECORDS_PER_WRITE = 4
WRITES = 16  # different ones; repeated ones overwrite


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One POST. Its answer must hold `record` with `document`, and at least `min_records` records.

    Those three are empty for a write. `collection_path`: GET it to learn the collection's id again.
    """

    kind: str  # search, get or upsert
    path: str
    body: str
    record: str = ""
    document: str | None = None
    min_records: int = 0
    collection_path: str = ""

    def to_json(self) -> JSON:
        return asdict(self)

    def path_with(self, collection_id: str) -> str:
        """The path, where the collection has that id now."""
        collections = self.collection_path.rpartition("/")[0]
        return f"{collections}/{collection_id}/{self.path.rpartition('/')[2]}"

    def documents(self) -> dict[str, str]:
        """The documents that a write writes, by id."""
        body = orjson.loads(self.body)
        return dict(zip(body["ids"], body["documents"], strict=True))


def search(question: KnownAnswer, info: CollectionInfo, count: int = 0) -> LoadRequest:
    """`count`: records in the collection; as many as are asked for must come, if there are."""
    body = {
        "query_embeddings": [question.vector],
        "n_results": NEAREST,
        "include": ["documents", "distances"],
        **question.filters,
    }
    request = _request("search", info, "query", body, question)
    # nobody knows how many pass a filter
    return replace(request, min_records=0 if question.filters else min(NEAREST, count))


def get(question: KnownAnswer, info: CollectionInfo) -> LoadRequest:
    body = {"ids": [question.record], "include": ["documents"]}
    return _request("get", info, "get", body, question)


def upsert(number: int, info: CollectionInfo, dimension: int) -> LoadRequest:
    """A write into a collection of our own."""
    rng = np.random.default_rng(number)
    rows = range(RECORDS_PER_WRITE)
    body = {
        "ids": [f"load-{number}-{row}" for row in rows],
        "embeddings": rng.normal(size=(RECORDS_PER_WRITE, dimension)).round(6).tolist(),
        "documents": [f"written under load: {number}, {row}" for row in rows],
    }
    return _request("upsert", info, "upsert", body)


def _request(
    kind: str,
    info: CollectionInfo,
    verb: str,
    body: JSON,
    question: KnownAnswer | None = None,
) -> LoadRequest:
    collections = f"{scope_path(info.scope)}/collections"
    return LoadRequest(
        kind,
        f"{collections}/{info.id}/{verb}",
        orjson.dumps(body).decode(),
        record=question.record if question else "",
        document=question.document if question else None,
        collection_path=f"{collections}/{quote(info.name)}",
    )


def interleave(
    mix: Mapping[str, int], requests: Mapping[str, Sequence[LoadRequest]]
) -> list[LoadRequest]:
    """One cycle of requests: `mix` holds at every point, no kind comes in a bunch.

    Arrival n sends number n modulo its length.
    """
    places = sorted(
        ((turn + 0.5) / weight, kind) for kind, weight in mix.items() for turn in range(weight)
    )
    # as many rounds as let every request of the largest share come up
    rounds = max(-(-len(requests[kind]) // weight) for kind, weight in mix.items())
    next_of = {kind: cycle(requests[kind]) for kind in mix}
    return [next(next_of[kind]) for _ in range(rounds) for _, kind in places]
