"""Questions with known answers that an independent client can ask of a running target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.workload.data.standard import Dataset

PER_COLLECTION = 2
QUESTIONS = 64  # different ones a measurement asks, in turn


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """Asked with `vector`, `collection` names `record` among the ten nearest, with its words."""

    scope: Scope
    collection: str
    record: str
    document: str | None
    vector: list[float]

    def asked_of(self, chroma: Chroma, info: CollectionInfo) -> str:
        """Empty when the answer is right, else what is wrong. Raises CallFailed."""
        raw = chroma.query(
            info, np.array([self.vector], np.float32), include=("documents", "distances")
        )
        wrong = mismatch(self.record, self.document, raw["ids"][0], raw["documents"][0])
        return wrong and f"{info.key}: {wrong}"

    def to_json(self) -> JSON:
        return {
            "scope": str(self.scope),
            "collection": self.collection,
            "record": self.record,
            "document": self.document,
            "vector": self.vector,
        }

    @classmethod
    def from_json(cls, raw: JSON) -> KnownAnswer:
        return cls(**{**raw, "scope": Scope.parse(raw["scope"])})


def mismatch(
    record: str, document: str | None, ids: Sequence[str], documents: Sequence[str | None]
) -> str:
    """Empty when the record is among the answered, with its words; else what is wrong."""
    found = dict(zip(ids, documents, strict=True))
    if record not in found:
        return f"{record} is not among the {len(found)} answered"
    return "" if found[record] == document else f"{record} has other words"


def first_wrong(chroma: Chroma, asked: Sequence[KnownAnswer]) -> str:
    """Ask them all; what is wrong with the first wrong answer, empty when all are right.

    Collections are looked up by name each time, as a client that starts now has to: a restored
    collection may have another id. Raises CallFailed.
    """
    found = {
        info.key: info
        for scope in sorted({each.scope for each in asked})
        for info in chroma.collections(scope)
    }
    for each in asked:
        key = f"{each.scope}/{each.collection}"
        wrong = each.asked_of(chroma, found[key]) if key in found else f"{key}: no such collection"
        if wrong:
            return wrong
    return ""


def known_answers(dataset: Dataset, chroma: Chroma) -> list[KnownAnswer]:
    """Two questions a collection, early and late records, that the healthy source gets right.

    An approximate index may miss a record; such a question is left out here, so that a wrong
    answer later means something.
    """
    chosen: list[KnownAnswer] = []
    for plan in dataset.collections:
        good: list[KnownAnswer] = []
        info = chroma.collection(plan.scope, plan.name)
        changed = {each.id for each in plan.updated} | set(plan.deleted)
        for batch in plan.batches():
            for row in range(0, len(batch.ids), max(1, len(batch.ids) // 6)):
                document = batch.documents[row]
                if document is None or batch.ids[row] in changed:
                    continue
                probe = KnownAnswer(
                    plan.scope,
                    plan.name,
                    batch.ids[row],
                    document,
                    [float(x) for x in batch.vectors[row]],
                )
                if not probe.asked_of(chroma, info):
                    good.append(probe)
        chosen += _spread(good)
    return chosen


def own_records(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> list[KnownAnswer]:
    """At most `wanted` records of the largest collection as questions, spread over it; only reads.

    For a target whose data is not ours. Questions that it gets wrong today are left out: an
    approximate index may miss a record. No collection with records: no questions. Raises CallFailed.
    """
    count, info = largest(chroma, scopes)
    if info is None:
        return []
    return [e for e in spread_over(chroma, info, count, wanted) if not e.asked_of(chroma, info)]


def largest(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[int, CollectionInfo | None]:
    """The collection with the most records, and how many; None where there are no records."""
    infos = [(chroma.count(i), i) for s in scopes for i in chroma.collections(s)]
    count, info = max(infos, key=lambda each: each[0], default=(0, None))
    return (count, info) if count else (0, None)


def spread_over(
    chroma: Chroma, info: CollectionInfo, count: int, wanted: int
) -> Iterator[KnownAnswer]:
    """At most `wanted` of the collection's `count` records, whether it finds them or not."""
    for at in np.unique(np.linspace(0, count - 1, min(wanted, count)).astype(int)):
        page = chroma.page(info, limit=1, offset=int(at))
        if page.ids and not page.without_vector:
            vector = [float(x) for x in page.vectors[0]]
            yield KnownAnswer(info.scope, info.name, page.ids[0], page.documents[0], vector)


def _spread(good: Sequence[KnownAnswer]) -> list[KnownAnswer]:
    if not good:
        return []
    places = np.unique(np.linspace(0, len(good) - 1, PER_COLLECTION).astype(int))
    return [good[at] for at in places]
