"""Questions with known answers, in the ways a retrieval service asks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.datasets.probes import KnownAnswer, own_records
from chromadrill.model import JSON, CollectionInfo, Scope
from chromadrill.monitoring.asked import Question

NEAREST = 10
TIES = 1e-5  # of a distance: float32, computed in another order


@dataclass(frozen=True, slots=True)
class OwnQuestions:
    """Records of the largest collection (`info`; None: there is none with records) as questions.

    `tried` records were asked for by their own vectors; `right` are those that answered. `missed`
    are those that did not although they are nearer than what was answered.
    """

    info: CollectionInfo | None
    records: int
    tried: int
    right: tuple[KnownAnswer, ...]
    missed: tuple[str, ...]


def own_questions(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> OwnQuestions:
    """At most `wanted` of the largest collection's own records; only reads. Raises CallFailed."""
    infos = [(chroma.count(i), i) for s in scopes for i in chroma.collections(s)]
    count, info = max(infos, key=lambda each: each[0], default=(0, None))
    if info is None or not count:
        return OwnQuestions(None, 0, 0, (), ())
    right = own_records(chroma, scopes, wanted)
    tried = min(wanted, count)
    found = {each.record for each in right}
    missed: list[str] = []
    if len(found) < tried:  # rare: an approximate index may miss, equal vectors hide each other
        for at in np.unique(np.linspace(0, count - 1, tried).astype(int)):
            page = chroma.page(info, limit=1, offset=int(at))
            if page.ids and page.ids[0] not in found and _missed(chroma, info, page.vectors[0]):
                missed.append(page.ids[0])
    return OwnQuestions(info, count, tried, tuple(right), tuple(missed))


def _missed(chroma: Chroma, info: CollectionInfo, vector: np.ndarray) -> bool:
    """Whether a record with this vector belongs among the nearest to it, and what came does not."""
    ids = chroma.query(info, vector[None], n_results=NEAREST)["ids"][0]
    held = chroma.get(info, ids=ids, include=("embeddings",))["embeddings"] if ids else []
    if len(held) < min(NEAREST, chroma.count(info)):
        return True
    far = max(distance(info.space, vector, np.asarray(row, np.float32)) for row in held)
    own = distance(info.space, vector, vector)
    return far > own + TIES * max(1.0, abs(own))


def distance(space: str, one: np.ndarray, other: np.ndarray) -> float:
    """As Chroma defines it: squared l2, 1 - cosine, 1 - inner product."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    if space == "l2":
        return float(((a - b) ** 2).sum())
    norm = float(np.linalg.norm(a) * np.linalg.norm(b)) if space == "cosine" else 1.0
    return 1.0 - float(a @ b) / (norm or 1.0)


# ---- ways of asking -----------------------------------------------------------------------------
def searches(chroma: Chroma, info: CollectionInfo, known: Sequence[KnownAnswer]) -> list[Question]:
    """The ten nearest to a record's own vector; the record is among them, with its words."""

    def one(each: KnownAnswer) -> Question:
        vector = np.array([each.vector], np.float32)
        include = ("documents", "distances")
        return Question(
            lambda: chroma.query(info, vector, n_results=NEAREST, include=include),
            lambda raw: _has(raw["ids"][0], raw["documents"][0], each),
        )

    return [one(each) for each in known]


def gets(chroma: Chroma, info: CollectionInfo, known: Sequence[KnownAnswer]) -> list[Question]:
    """One record by its id."""

    def one(each: KnownAnswer) -> Question:
        return Question(
            lambda: chroma.get(info, ids=[each.record], include=("documents",)),
            lambda raw: _has(raw["ids"], raw["documents"], each),
        )

    return [one(each) for each in known]


def filtered(chroma: Chroma, info: CollectionInfo, known: Sequence[KnownAnswer]) -> list[Question]:
    """The ten nearest of those that share one of the record's own metadata values.

    Records that have no metadata to filter by are left out.
    """
    raw = chroma.get(info, ids=[each.record for each in known], include=("metadatas",))
    filters = {i: _filter(m or {}) for i, m in zip(raw["ids"], raw["metadatas"], strict=True)}

    def one(each: KnownAnswer, key: str, value: str | int) -> Question:
        vector = np.array([each.vector], np.float32)
        include = ("documents", "metadatas", "distances")

        def wrong(raw: JSON) -> str:
            others = [m for m in raw["metadatas"][0] if (m or {}).get(key) != value]
            if others:
                return f"{len(others)} of {len(raw['ids'][0])} records are not those filtered for"
            return _has(raw["ids"][0], raw["documents"][0], each)

        where = {key: {"$eq": value}}
        return Question(
            lambda: chroma.query(info, vector, n_results=NEAREST, where=where, include=include),
            wrong,
        )

    return [one(each, *filters[each.record]) for each in known if filters.get(each.record)]


def _filter(metadata: JSON) -> tuple[str, str | int] | tuple[()]:
    """A key whose value many records can share: text before whole numbers."""
    for kind in (str, int):
        for key in sorted(metadata):
            # Chroma's own keys hold what is in the document
            if type(metadata[key]) is kind and not key.startswith("chroma:"):
                return key, metadata[key]
    return ()


def _has(ids: Sequence[str], documents: Sequence[str | None], each: KnownAnswer) -> str:
    found = dict(zip(ids, documents, strict=True))
    if each.record not in found:
        return f"{each.collection}: {each.record} is not among the {len(found)} answered"
    return "" if found[each.record] == each.document else f"{each.record} has other words"
