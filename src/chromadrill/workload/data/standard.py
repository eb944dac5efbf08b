"""The standard dataset: several collections, so that the traps of a restore are all in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.core.protocols import Embedder
from chromadrill.workload.data.seeded_embedder import SeededEmbedder
from chromadrill.workload.data.stdlib import Document, documents

MAIN = "bmad_embeddings"
BATCH = 500
DEFAULT, PROD, STAGING = Scope(), Scope("acme", "prod"), Scope("acme", "staging")


@dataclass(frozen=True, slots=True)
class Batch:
    """Records to upsert, in columns."""

    ids: list[str]
    documents: list[str | None]
    metadatas: list[JSON | None]
    uris: list[str | None]
    vectors: np.ndarray


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """A collection to create: its settings, and how many of the documents go in."""

    scope: Scope
    name: str
    hnsw: Mapping[str, Any]
    embedder: Embedder
    documents: Sequence[Document]
    metadata: JSON = field(default_factory=dict)
    every_nth_bare: int = 17  # these records have no document or no metadata

    def batches(self) -> Iterator[Batch]:
        for start in range(0, len(self.documents), BATCH):
            group = self.documents[start : start + BATCH]
            rows = range(start, start + len(group))
            bare = self.every_nth_bare
            yield Batch(
                ids=[document.id for document in group],
                documents=[
                    None if n % bare == 5 else d.text for n, d in zip(rows, group, strict=True)
                ],
                metadatas=[
                    None if n % bare == 9 else metadata_of(d, n)
                    for n, d in zip(rows, group, strict=True)
                ],
                uris=[
                    f"stdlib:{d.module}#L{d.line}" if n % 3 == 0 else None
                    for n, d in zip(rows, group, strict=True)
                ],
                vectors=self.embedder.embed([document.text for document in group]),
            )

    @property
    def updates(self) -> list[Document]:
        """Records that are written a second time, with other words and another vector."""
        return list(self.documents[3::97])

    @property
    def deletes(self) -> list[str]:
        return [document.id for document in self.documents[11::101]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a drill puts in."""

    collections: tuple[CollectionPlan, ...]

    @property
    def scopes(self) -> tuple[Scope, ...]:
        return tuple(sorted({plan.scope for plan in self.collections}))

    @property
    def embedder(self) -> str:
        return ", ".join(sorted({plan.embedder.name for plan in self.collections}))

    def load(self, chroma: Chroma) -> None:
        """Create tenants, databases and collections and fill them; they must not exist yet."""
        for scope in self.scopes:
            create_scope(chroma, scope)
        for plan in self.collections:
            info = chroma.create_collection(
                plan.scope, plan.name, hnsw=plan.hnsw, metadata=plan.metadata or None
            )
            _upsert_all(chroma, info, plan)
            if plan.updates:
                texts = [f"{document.text}\n(revised)" for document in plan.updates]
                chroma.upsert(
                    info,
                    ids=[document.id for document in plan.updates],
                    vectors=plan.embedder.embed(texts),
                    documents=texts,
                    metadatas=[
                        {"revised": True, "line": document.line} for document in plan.updates
                    ],
                )
            if plan.deletes:
                chroma.delete(info, plan.deletes)


def _upsert_all(chroma: Chroma, info: CollectionInfo, plan: CollectionPlan) -> None:
    """Write the plan's batches in their order; the next one is made while the server writes one."""
    with ThreadPoolExecutor(1) as pool:
        flight: Future[None] | None = None
        for batch in plan.batches():
            if flight:
                flight.result()
            flight = pool.submit(
                chroma.upsert,
                info,
                ids=batch.ids,
                vectors=batch.vectors,
                documents=batch.documents,
                metadatas=batch.metadatas,
                uris=batch.uris,
            )
        if flight:
            flight.result()


def standard(records: int) -> Dataset:
    """The standard dataset with `records` records in the main collection (before deletes).

    In it: above and below the HNSW sync threshold (1,000), l2, cosine and ip, settings that are
    not the default, an empty collection, nulls, lists, two tenants, updates and deletes.
    """
    wide, narrow = SeededEmbedder(384), SeededEmbedder(96, seed=8)
    cosine = {"space": "cosine"}
    tuned = {
        "space": "ip",
        "sync_threshold": 400,
        "max_neighbors": 24,
        "ef_construction": 150,
        "ef_search": 120,
    }

    return Dataset(
        (
            CollectionPlan(DEFAULT, MAIN, cosine, wide, _Spread(records), {"owner": "drill"}),
            CollectionPlan(DEFAULT, "release-notes", {"space": "l2"}, narrow, _Spread(450)),
            CollectionPlan(DEFAULT, "tuned-ip", tuned, narrow, _Spread(1100)),
            CollectionPlan(DEFAULT, "empty", cosine, narrow, ()),
            CollectionPlan(PROD, MAIN, {"space": "l2"}, narrow, _Spread(1300), {"v": 2, "f": 2.0}),
            CollectionPlan(STAGING, "scratchpad", cosine, narrow, _Spread(120)),
        )
    )


class _Spread(Sequence[Document]):
    """`wanted` documents spread over all of them, which are read when one is first asked for.

    A session that ends before it loads anything does not pay for them.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._documents: list[Document] | None = None

    def __len__(self) -> int:
        return self._wanted

    def __getitem__(self, place: Any) -> Any:
        if self._documents is None:
            self._documents = spread_documents(documents(), self._wanted)
        return self._documents[place]


def spread_documents(source: Sequence[Document], wanted: int) -> list[Document]:
    """`wanted` documents spread over all; beyond that they come again, numbered."""
    if wanted <= len(source):
        steps = np.linspace(0, len(source) - 1, wanted).astype(int)
        return [source[at] for at in steps]
    chosen = []
    for number in range(wanted):
        document, turn = source[number % len(source)], number // len(source)
        if turn:
            document = replace(
                document, id=f"{document.id}~{turn}", text=f"{document.text}\n[{turn}]"
            )
        chosen.append(document)
    return chosen


def metadata_of(document: Document, number: int) -> JSON:
    """Every type a record can carry; some keys are missing on some records."""
    metadata: JSON = {
        "module": document.module,
        "kind": document.kind,
        "line": document.line,
        "ratio": round(len(document.text) / (document.line + 7), 4),
        "whole": float(document.line % 5),  # 2.0 must not come back as 2
        "public": not document.id.rsplit(".", 1)[-1].startswith("_"),
        "words": document.text.split()[:3],
    }
    if number % 4 == 0:
        metadata["note"] = f"§ naïve – 検索 №{number % 7}"
    if number % 5 == 0:
        metadata["serial"] = (1 << 53) + 1 + number
    return metadata


def create_scope(chroma: Chroma, scope: Scope) -> None:
    """Create the tenant and the database, where they are not there yet."""
    with _ignore_conflict():
        chroma.create_tenant(scope.tenant)
    with _ignore_conflict():
        chroma.create_database(scope)


@contextmanager
def _ignore_conflict() -> Iterator[None]:
    try:
        yield
    except CallFailed as error:
        if error.status != 409:
            raise
