"""Questions with known answers, in the ways a retrieval service asks them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.workload.queries.known_answer import KnownAnswer, mismatch
from chromadrill.workload.queries.self_queries import NEAREST
from chromadrill.workload.queries.timed import Question


def searches(chroma: Chroma, info: CollectionInfo, known: Sequence[KnownAnswer]) -> list[Question]:
    """The ten nearest to a record's own vector; the record is among them, with its words."""

    def one(each: KnownAnswer) -> Question:
        vector = np.array([each.vector], np.float32)
        include = ("documents", "distances")
        return Question(
            lambda: chroma.query(info, vector, n_results=NEAREST, include=include),
            lambda raw: _wrong(each, raw["ids"][0], raw["documents"][0]),
        )

    return [one(each) for each in known]


def gets(chroma: Chroma, info: CollectionInfo, known: Sequence[KnownAnswer]) -> list[Question]:
    """One record by its id."""

    def one(each: KnownAnswer) -> Question:
        return Question(
            lambda: chroma.get(info, ids=[each.record], include=("documents",)),
            lambda raw: _wrong(each, raw["ids"], raw["documents"]),
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
            return _wrong(each, raw["ids"][0], raw["documents"][0])

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


def _wrong(each: KnownAnswer, ids: Sequence[str], documents: Sequence[str | None]) -> str:
    wrong = mismatch(each.record, each.document, ids, documents)
    return wrong and f"{each.collection}: {wrong}"
