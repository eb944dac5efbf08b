"""Questions with known answers, in the ways a retrieval service asks them."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.workload.queries.known_answer import NEAREST, KnownAnswer, mismatch
from chromadrill.workload.queries.timed import GradedCall


def searches(
    chroma: Chroma, info: CollectionInfo, questions: Sequence[KnownAnswer]
) -> list[GradedCall]:
    """The ten nearest to a record's own vector; the record is among them, with its document."""

    def search(question: KnownAnswer) -> GradedCall:
        vector = question.query_vector()
        include = ("documents", "distances")
        return GradedCall(
            lambda: chroma.query(
                info, vector, n_results=NEAREST, include=include, **question.filters
            ),
            lambda raw: _grade(question, raw["ids"][0], raw["documents"][0]),
        )

    return [search(question) for question in questions]


def gets(
    chroma: Chroma, info: CollectionInfo, questions: Sequence[KnownAnswer]
) -> list[GradedCall]:
    """One record by its id."""

    def get(question: KnownAnswer) -> GradedCall:
        return GradedCall(
            lambda: chroma.get(info, ids=[question.record], include=("documents",)),
            lambda raw: _grade(question, raw["ids"], raw["documents"]),
        )

    return [get(question) for question in questions]


def filtered_searches(
    chroma: Chroma, info: CollectionInfo, questions: Sequence[KnownAnswer]
) -> list[GradedCall]:
    """The ten nearest of those that share one of the record's own metadata values.

    Records that have no metadata to filter by are left out.
    """
    records = [question.record for question in questions]
    raw = chroma.get(info, ids=records, include=("metadatas",))
    filters = {i: _filter(m or {}) for i, m in zip(raw["ids"], raw["metadatas"], strict=True)}

    def search(question: KnownAnswer, key: str, value: str | int) -> GradedCall:
        vector = question.query_vector()
        include = ("documents", "metadatas", "distances")

        def grade(raw: JSON) -> str:
            others = [m for m in raw["metadatas"][0] if (m or {}).get(key) != value]
            if others:
                return f"{len(others)} of {len(raw['ids'][0])} records are not those filtered for"
            return _grade(question, raw["ids"][0], raw["documents"][0])

        where = {key: {"$eq": value}}
        return GradedCall(
            lambda: chroma.query(info, vector, n_results=NEAREST, where=where, include=include),
            grade,
        )

    return [
        search(question, *filters[question.record])
        for question in questions
        if filters.get(question.record)
    ]


def _filter(metadata: JSON) -> tuple[str, str | int] | tuple[()]:
    """A key whose value many records can share: text before whole numbers."""
    for kind in (str, int):
        for key in sorted(metadata):
            # Chroma's own keys hold what is in the document
            if type(metadata[key]) is kind and not key.startswith("chroma:"):
                return key, metadata[key]
    return ()


def _grade(question: KnownAnswer, ids: Sequence[str], documents: Sequence[str | None]) -> str:
    wrong = mismatch(question.record, question.document, ids, documents)
    return wrong and f"{question.collection}: {wrong}"
