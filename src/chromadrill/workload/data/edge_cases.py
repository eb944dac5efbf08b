"""Fill a fresh Chroma server with a small store that has every trap in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np

from chromadrill.chroma.client import Chroma, scope_path
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.workload.data.standard import create_scope

_WORDS = (
    "harbour", "lantern", "granite", "willow", "copper", "meadow", "signal", "thunder",
    "velvet", "compass", "orchard", "ledger", "falcon", "marble", "ember", "canyon",
    "drizzle", "quartz", "saffron", "tundra",
)  # fmt: skip
_UNICODE = ("Zürich", "Málaga", "東京", "naïve café", "Ελλάδα", "🙂 smile", "Łódź")


@dataclass(frozen=True)
class EdgeCollection:
    """One collection to create and how many records it gets in all."""

    scope: Scope
    name: str
    space: str
    dimension: int
    records: int
    sync_threshold: int = 1000
    metadata: JSON | None = None

    @property
    def half(self) -> int:
        """Above the threshold already at the older instant, so that it has an index too."""
        return self.records * 8 // 10


_DEFAULT, _ARCHIVE, _PROD = Scope(), Scope(database="archive"), Scope("acme", "prod")
COLLECTIONS: tuple[EdgeCollection, ...] = (
    EdgeCollection(_DEFAULT, "small_l2", "l2", 16, 298,
                   metadata={"owner": "Zoë", "rank": 3, "share": 0.25, "live": True}),
    EdgeCollection(_DEFAULT, "big_cosine", "cosine", 32, 2300,
                   metadata={"note": "naïve", "rank": 7}),
    EdgeCollection(_DEFAULT, "nothing_yet", "cosine", 16, 0, metadata={"purpose": "later"}),
    EdgeCollection(_ARCHIVE, "notes_ip", "ip", 16, 1300),
    EdgeCollection(_ARCHIVE, "tight_l2", "l2", 32, 430, 100, {"owner": "ops"}),
    EdgeCollection(_PROD, "big_l2", "l2", 32, 1300, metadata={"owner": "acme", "rank": 1}),
    EdgeCollection(_PROD, "small_cosine", "cosine", 16, 198),
)  # fmt: skip
SCOPES = tuple(sorted({collection.scope for collection in COLLECTIONS}))
DELETED = EdgeCollection(_PROD, "gone", "l2", 16, 120, 50)
BATCH = 230


class EdgeRecords(NamedTuple):
    """Records in columns, as `Chroma.upsert` takes them."""

    ids: list[str]
    vectors: np.ndarray
    documents: list[str | None]
    metadatas: list[JSON | None]
    uris: list[str | None]


def _document(rng: Random, name: str, n: int) -> str | None:
    if n % 11 == 3:
        return None
    words = " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(4, 14)))
    text = f"{name} {n:05d} {rng.getrandbits(40):010x} {words} {rng.choice(_UNICODE)}"
    if n % 97 == 5:  # longer than a database page: overflow pages
        text += " " + " ".join(f"{rng.choice(_WORDS)}{k}" for k in range(1300))
    return text


def _metadata(rng: Random, n: int) -> JSON | None:
    if n % 13 == 4:
        return None
    metadata: JSON = {
        "n": n,
        "score": rng.choice((n / 8, float(n), rng.random())),
        "live": n % 3 == 0,
        "city": rng.choice(_UNICODE),
        "kind": rng.choice(("note", "mail", "page")),
    }
    if n % 5 == 0:
        metadata["tags"] = rng.sample(_WORDS, 3)
        metadata["sizes"] = [n, n + 1, n * 2]
    if n % 7 == 0:
        del metadata["score"]
    if n % 17 == 0:
        metadata["ratios"] = [n / 4, 0.5]
        metadata["flags"] = [True, n % 2 == 0]
    return metadata


def _records(rng: Random, collection: EdgeCollection, numbers: Sequence[int]) -> EdgeRecords:
    name, dimension = collection.name, collection.dimension
    scale = 3.0 if collection.space == "cosine" else 1.0
    vectors = [[rng.gauss(0, scale) for _ in range(dimension)] for _ in numbers]
    return EdgeRecords(
        ids=[f"{name}-{n:05d}" for n in numbers],
        vectors=np.array(vectors, np.float32),
        documents=[_document(rng, name, n) for n in numbers],
        metadatas=[_metadata(rng, n) for n in numbers],
        uris=[f"s3://bucket/{name}/{n}" if n % 4 == 1 else None for n in numbers],
    )


class Seeder:
    """Two instants of the same store: `begin` makes the older one, `finish` the newer one."""

    def __init__(self, url: str, seed: int = 7) -> None:
        self.url = url
        self.seed = seed

    def begin(self) -> None:
        """Tenants, databases, collections and about 80 % of the records (synced where due)."""
        with Chroma(self.url) as chroma:
            for scope in SCOPES:
                create_scope(chroma, scope)
            for collection in COLLECTIONS:
                self._upsert(chroma, collection, _create(chroma, collection), 0, collection.half)
            self._upsert(chroma, DELETED, _create(chroma, DELETED), 0, DELETED.records)

    def finish(self) -> None:
        """The other records, updates and deletes, and one collection deleted."""
        with Chroma(self.url) as chroma:
            for collection in COLLECTIONS:
                info = chroma.collection(collection.scope, collection.name)
                self._upsert(chroma, collection, info, collection.half, collection.records)
                if collection.records:
                    self._change(chroma, collection, info)
            chroma.delete_collection(DELETED.scope, DELETED.name)

    def _upsert(
        self,
        chroma: Chroma,
        collection: EdgeCollection,
        info: CollectionInfo,
        start: int,
        stop: int,
    ) -> None:
        step = min(BATCH, collection.sync_threshold * 6 // 10)
        for first in range(start, stop, step):
            rng = Random(f"{self.seed}/{collection.name}/{first}")
            records = _records(rng, collection, range(first, min(first + step, stop)))
            chroma.upsert(info, **records._asdict())

    def _change(self, chroma: Chroma, collection: EdgeCollection, info: CollectionInfo) -> None:
        name = collection.name
        rng = Random(f"{self.seed}/{name}/change")
        numbers = [2, 40, collection.records - 3]
        records = _records(rng, collection, numbers)
        # an update, not an upsert: another operation in the queue
        chroma.call(
            "POST",
            f"{scope_path(info.scope)}/collections/{info.id}/update",
            {
                "ids": records.ids,
                "embeddings": records.vectors,
                "documents": [f"rewritten {name} {n} {rng.getrandbits(40):x}" for n in numbers],
                "metadatas": records.metadatas,
                "uris": records.uris,
            },
        )
        chroma.delete(
            info, [f"{name}-{n:05d}" for n in (9, collection.records // 2, collection.records - 2)]
        )


def _create(chroma: Chroma, collection: EdgeCollection) -> CollectionInfo:
    return chroma.create_collection(
        collection.scope,
        collection.name,
        hnsw={"space": collection.space, "sync_threshold": collection.sync_threshold},
        embedding_function={"type": "known", "name": "default", "config": {}},
        metadata=collection.metadata,
    )
