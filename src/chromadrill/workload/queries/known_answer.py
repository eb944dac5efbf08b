"""A question with a known answer: the vector of a record must bring that record back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.workload.data.standard import Dataset

PER_COLLECTION = 2
QUESTIONS = 64  # different ones a measurement asks, in turn
NEAREST = 10
# what reading an answer raises that has not the form of one
MALFORMED = (KeyError, IndexError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """Asked with `vector`, `collection` names `record` among the ten nearest, with its document.

    `where`, `where_document`: of the records that pass these filters. `record_vector`: the record's own
    vector, where the question is another one.
    """

    scope: Scope
    collection: str
    record: str
    document: str | None
    vector: list[float]
    where: JSON | None = None
    where_document: JSON | None = None
    record_vector: list[float] | None = None

    def ask(self, chroma: Chroma, info: CollectionInfo) -> str:
        """Empty when the answer is right, else what is wrong. Raises CallFailed."""
        return ask_together(chroma, info, [self])

    def query_vector(self) -> np.ndarray:
        """The vector as a query takes it: one row of float32."""
        return np.array([self.vector], np.float32)

    @property
    def stored_vector(self) -> list[float]:
        """The vector of the record that is the answer."""
        return self.vector if self.record_vector is None else self.record_vector

    @property
    def filters(self) -> JSON:
        """What a query takes besides the vector."""
        filters = {"where": self.where, "where_document": self.where_document}
        return {key: value for key, value in filters.items() if value}

    def to_json(self) -> JSON:
        return {
            "scope": str(self.scope),
            "collection": self.collection,
            "record": self.record,
            "document": self.document,
            "vector": self.vector,
            **self.filters,
        }

    @classmethod
    def from_json(cls, raw: JSON) -> KnownAnswer:
        return cls(**{**raw, "scope": Scope.parse(raw["scope"])})


def mismatch(
    record: str, document: str | None, ids: Sequence[str], documents: Sequence[str | None]
) -> str:
    """Empty when the record is among the answered, with its document; else what is wrong."""
    answered = dict(zip(ids, documents, strict=True))
    if record not in answered:
        return f"{record} is not among the {len(answered)} answered"
    return "" if answered[record] == document else f"{record} has other words"


def ask_together(chroma: Chroma, info: CollectionInfo, questions: Sequence[KnownAnswer]) -> str:
    """Ask one collection these questions in one call; what is wrong with the first wrong answer.

    All have the same filters. Empty when all are right. Raises CallFailed.
    """
    vectors = np.array([question.vector for question in questions], np.float32)
    filters = questions[0].filters
    raw = chroma.query(info, vectors, include=("documents", "distances"), **filters)
    for row, question in enumerate(questions):
        wrong = mismatch(question.record, question.document, raw["ids"][row], raw["documents"][row])
        if wrong:
            return f"{info.key}: {wrong}"
    return ""


def first_wrong(chroma: Chroma, questions: Sequence[KnownAnswer]) -> str:
    """Ask every question; what is wrong with the first wrong answer, empty when all are right.

    One call a collection: a question of its own call cost the server and the prober twice as much.

    Collections are looked up by name each time, as a client that starts now has to: a restored
    collection may have another id. Raises CallFailed.
    """
    infos = {
        info.key: info
        for scope in sorted({question.scope for question in questions})
        for info in chroma.collections(scope)
    }
    groups: dict[str, list[KnownAnswer]] = {}
    for question in questions:
        groups.setdefault(f"{question.scope}/{question.collection}", []).append(question)
    for key, group in groups.items():
        wrong = ask_together(chroma, infos[key], group) if key in infos else _no_such(key)
        if wrong:
            return wrong
    return ""


def _no_such(key: str) -> str:
    return f"{key}: no such collection"


def known_answers(dataset: Dataset, chroma: Chroma) -> list[KnownAnswer]:
    """Two questions a collection, early and late records, that the healthy source gets right.

    An approximate index may miss a record. Such a question is left out here, so that a wrong
    answer later means something.
    """
    questions: list[KnownAnswer] = []
    for plan in dataset.collections:
        right: list[KnownAnswer] = []
        info = chroma.collection(plan.scope, plan.name)
        changed = {document.id for document in plan.updates} | set(plan.deletes)
        for batch in plan.batches():
            for row in range(0, len(batch.ids), max(1, len(batch.ids) // 6)):
                document = batch.documents[row]
                if document is None or batch.ids[row] in changed:
                    continue
                vector = [float(x) for x in batch.vectors[row]]
                question = KnownAnswer(plan.scope, plan.name, batch.ids[row], document, vector)
                if not question.ask(chroma, info):
                    right.append(question)
        questions += [right[row] for row in spread(len(right), PER_COLLECTION)]
    return questions


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` of the numbers below `count`, evenly spread from the first to the last."""
    return [int(n) for n in np.unique(np.linspace(0, count - 1, min(wanted, count)).astype(int))]
