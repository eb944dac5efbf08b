"""The reference queries of a fingerprint: questions whose right answers are computed over all records.

They ask for nearest neighbours, by filters, for filtered neighbours, and for words. What a right server
answers, the Grader knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.fingerprint.filterable_keys import filterable, is_searchable
from chromadrill.chroma.fingerprint.filters import choose_filters
from chromadrill.chroma.fingerprint.id_sets import id_hashes
from chromadrill.core.model import JSON, Answer, Page

SAMPLE = 64  # records whose neighbours are asked for, in a collection
TEXTS = 48
FILTERED = 3  # filters that are also asked together with a vector


@dataclass(frozen=True, slots=True)
class ReferenceQuery:
    """A question as a fingerprint stores it (`stored`), with what it needs from the records at hand.

    `vector` is float32 (dimension,), for neighbours; `text` are words of a document, for text search.
    """

    kind: str
    stored: JSON
    vector: np.ndarray | None = None
    text: str | None = None

    @property
    def asked(self) -> str:
        """What a question without a vector asks for: the same for two that have one answer."""
        return f"{self.kind} {self.stored['where'] if self.kind == 'filter' else self.text}"


def choose(sample: Page, schema: JSON | None = None) -> list[ReferenceQuery]:
    """Return questions from a sample of records: their neighbours, their metadata, their words.

    A question that the collection's schema does not allow is left out.
    """
    filters = choose_filters([filterable(schema, metadata) for metadata in sample.metadatas])
    rows = dict(zip(sample.ids, range(len(sample.ids)), strict=True))
    questions: list[tuple[str, JSON]] = [("neighbours", {"id": record}) for record in sample.ids]
    questions += [("filter", {"where": where}) for where in filters]
    questions += [
        ("filtered neighbours", {"id": record, "where": where})
        for where in filters[:FILTERED]
        for record in sample.ids[:3]
    ]
    for record in sample.ids[:TEXTS] if is_searchable(schema) else ():
        document = before_nul(sample.documents[rows[record]])
        if document:
            length = min(32, len(document))
            start = _number(record) % (len(document) - length + 1)
            questions.append(("text", {"id": record, "start": start, "length": length}))
    return bind(questions, sample)


def questions_of(answers: Sequence[Answer]) -> tuple[list[tuple[str, JSON]], list[str]]:
    """Return the questions of a fingerprint's answers, (kind, question), and the ids they name."""
    questions = [(answer.kind, answer.question) for answer in answers]
    return questions, sorted({question["id"] for _, question in questions if "id" in question})


def bind(stored: Sequence[tuple[str, JSON]], sample: Page) -> list[ReferenceQuery]:
    """Return stored questions, (kind, question), with the vectors and words of the records they name.

    A question whose record is missing or has lost its vector or words cannot be asked: it is left out,
    and the records' own check names the loss.
    """
    # JSON has no NaN: a query that holds one is answered 422, which says nothing of the other records
    finite = np.isfinite(sample.vectors).all(axis=1)
    lost = set(sample.without_vector)
    rows = {record: row for row, record in enumerate(sample.ids) if row not in lost and finite[row]}
    questions = []
    for kind, question in stored:
        if kind == "filter":
            questions.append(ReferenceQuery(kind, question))
            continue
        row = rows.get(question["id"])
        if row is None:
            continue
        if kind == "text":
            document = before_nul(sample.documents[row])
            text = document[question["start"] : question["start"] + question["length"]]
            if len(text) == question["length"]:
                questions.append(ReferenceQuery(kind, question, text=text))
        else:
            questions.append(ReferenceQuery(kind, question, vector=sample.vectors[row]))
    return questions


def before_nul(document: str | None) -> str:
    """Return what `$contains` looks at: SQLite compares text up to its first NUL (measured)."""
    return (document or "").partition("\0")[0]


def _number(text: str) -> int:
    return int.from_bytes(id_hashes([text]).tobytes(), "big")
