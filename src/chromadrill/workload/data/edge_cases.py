"""Fill a fresh Chroma server with a small store that has every trap in it, over plain HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

Json = dict[str, Any]
_WORDS = [
    "harbour",
    "lantern",
    "granite",
    "willow",
    "copper",
    "meadow",
    "signal",
    "thunder",
    "velvet",
    "compass",
    "orchard",
    "ledger",
    "falcon",
    "marble",
    "ember",
    "canyon",
    "drizzle",
    "quartz",
    "saffron",
    "tundra",
]
_UNICODE = ("Zürich", "Málaga", "東京", "naïve café", "Ελλάδα", "🙂 smile", "Łódź")


@dataclass(frozen=True)
class Spec:
    """One collection to create and how many records it gets in all."""

    tenant: str
    database: str
    name: str
    space: str
    dimension: int
    records: int
    sync_threshold: int = 1000
    metadata: Json | None = None

    @property
    def base(self) -> str:
        """The path of its database."""
        return f"/api/v2/tenants/{self.tenant}/databases/{self.database}"


_D, _A = "default_tenant", "acme"
SPECS: tuple[Spec, ...] = (
    Spec(_D, "default_database", "small_l2", "l2", 16, 298,
         metadata={"owner": "Zoë", "rank": 3, "share": 0.25, "live": True}),
    Spec(_D, "default_database", "big_cosine", "cosine", 32, 2300,
         metadata={"note": "naïve", "rank": 7}),
    Spec(_D, "default_database", "nothing_yet", "cosine", 16, 0, metadata={"purpose": "later"}),
    Spec(_D, "archive", "notes_ip", "ip", 16, 1300),
    Spec(_D, "archive", "tight_l2", "l2", 32, 430, 100, {"owner": "ops"}),
    Spec(_A, "prod", "big_l2", "l2", 32, 1300, metadata={"owner": "acme", "rank": 1}),
    Spec(_A, "prod", "small_cosine", "cosine", 16, 198),
)  # fmt: skip
GONE = Spec(_A, "prod", "gone", "l2", 16, 120, 50)
BATCH = 230


def _document(rng: Random, spec: Spec, n: int) -> str | None:
    if n % 11 == 3:
        return None
    words = " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(4, 14)))
    text = f"{spec.name} {n:05d} {rng.getrandbits(40):010x} {words} {rng.choice(_UNICODE)}"
    if n % 97 == 5:  # longer than a database page: overflow pages
        text += " " + " ".join(f"{rng.choice(_WORDS)}{k}" for k in range(1300))
    return text


def _metadata(rng: Random, n: int) -> Json | None:
    if n % 13 == 4:
        return None
    found: Json = {
        "n": n,
        "score": rng.choice((n / 8, float(n), rng.random())),
        "live": n % 3 == 0,
        "city": rng.choice(_UNICODE),
        "kind": rng.choice(("note", "mail", "page")),
    }
    if n % 5 == 0:
        found["tags"] = rng.sample(_WORDS, 3)
        found["sizes"] = [n, n + 1, n * 2]
    if n % 7 == 0:
        del found["score"]
    if n % 17 == 0:
        found["ratios"] = [n / 4, 0.5]
        found["flags"] = [True, n % 2 == 0]
    return found


def _batch(rng: Random, spec: Spec, numbers: Sequence[int]) -> Json:
    scale = 3.0 if spec.space == "cosine" else 1.0
    return {
        "ids": [f"{spec.name}-{n:05d}" for n in numbers],
        "embeddings": [[rng.gauss(0, scale) for _ in range(spec.dimension)] for _ in numbers],
        "documents": [_document(rng, spec, n) for n in numbers],
        "metadatas": [_metadata(rng, n) for n in numbers],
        "uris": [f"s3://bucket/{spec.name}/{n}" if n % 4 == 1 else None for n in numbers],
    }


class Seeder:
    """Two instants of the same store: `begin` makes the older one, `finish` the newer one."""

    def __init__(self, url: str, seed: int = 7) -> None:
        self.url = url
        self.seed = seed

    def begin(self) -> None:
        """Tenants, databases, collections and about 60 % of the records (synced where due)."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            self._places(client)
            for spec in SPECS:
                self._create(client, spec)
                self._write(client, spec, 0, self._half(spec))
            self._create(client, GONE)
            self._write(client, GONE, 0, GONE.records)

    def finish(self) -> None:
        """The other records, updates and deletes, and one collection deleted."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            for spec in SPECS:
                self._write(client, spec, self._half(spec), spec.records)
                if spec.records:
                    self._change(client, spec)
            client.delete(f"{GONE.base}/collections/{GONE.name}").raise_for_status()

    @staticmethod
    def _half(spec: Spec) -> int:
        # above the threshold already at the older instant, so that it has an index too
        return spec.records if spec is GONE else spec.records * 8 // 10

    @staticmethod
    def _places(client: httpx.Client) -> None:
        for spec in SPECS:
            if client.get(f"/api/v2/tenants/{spec.tenant}").status_code == 404:
                client.post("/api/v2/tenants", json={"name": spec.tenant}).raise_for_status()
            if client.get(spec.base).status_code == 404:
                client.post(
                    f"/api/v2/tenants/{spec.tenant}/databases", json={"name": spec.database}
                ).raise_for_status()

    @staticmethod
    def _create(client: httpx.Client, spec: Spec) -> None:
        body: Json = {
            "name": spec.name,
            "configuration": {
                "hnsw": {"space": spec.space, "sync_threshold": spec.sync_threshold},
                "embedding_function": {"type": "known", "name": "default", "config": {}},
            },
        }
        if spec.metadata:
            body["metadata"] = spec.metadata
        client.post(f"{spec.base}/collections", json=body).raise_for_status()

    @staticmethod
    def _path(client: httpx.Client, spec: Spec) -> str:
        found = client.get(f"{spec.base}/collections/{spec.name}").raise_for_status().json()
        return f"{spec.base}/collections/{found['id']}"

    def _write(self, client: httpx.Client, spec: Spec, start: int, stop: int) -> None:
        path = self._path(client, spec)
        step = min(BATCH, spec.sync_threshold * 6 // 10)
        for first in range(start, stop, step):
            rng = Random(f"{self.seed}/{spec.name}/{first}")
            body = _batch(rng, spec, range(first, min(first + step, stop)))
            client.post(f"{path}/upsert", json=body).raise_for_status()

    def _change(self, client: httpx.Client, spec: Spec) -> None:
        path = self._path(client, spec)
        rng = Random(f"{self.seed}/{spec.name}/change")
        numbers = [2, 40, spec.records - 3]
        body = _batch(rng, spec, numbers)
        body["documents"] = [f"rewritten {spec.name} {n} {rng.getrandbits(40):x}" for n in numbers]
        client.post(f"{path}/update", json=body).raise_for_status()
        gone = [f"{spec.name}-{n:05d}" for n in (9, spec.records // 2, spec.records - 2)]
        client.post(f"{path}/delete", json={"ids": gone}).raise_for_status()
