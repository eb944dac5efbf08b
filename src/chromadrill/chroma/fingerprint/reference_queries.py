"""The reference queries of a fingerprint: questions whose right answers are computed over all records.

A Grader reads every page once, in flat memory. Afterwards it knows what a right server answers:
exact nearest neighbours, filters, filtered neighbours, text search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.fingerprint.digests import IdSet
from chromadrill.chroma.fingerprint.filterable_keys import filterable, is_searchable
from chromadrill.chroma.fingerprint.filters import choose_filters, matches
from chromadrill.core.model import JSON, Answer, Page

NEIGHBOURS = 10
SAMPLE = 64  # records whose neighbours are asked for, in a collection
TEXTS = 48
FILTERED = 3  # filters that are also asked together with a vector
SELF_RECALL_MAX = 5000  # records asked to find themselves; all, where a collection has fewer


@dataclass(frozen=True, slots=True)
class ReferenceQuery:
    """A question as a fingerprint stores it (`stored`), with what it needs from the records at hand.

    `vector` is float32 (dimension,), for neighbours; `text` are words of a document, for text search.
    """

    kind: str
    stored: JSON
    vector: np.ndarray | None = None
    text: str | None = None


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


@dataclass
class Grader:
    """The exact answers of `questions`, and a sample of records for self-recall, from all pages.

    `space` is the collection's metric. Peak memory: the questions, and at most twice SELF_RECALL_MAX
    vectors.
    """

    space: str
    questions: list[ReferenceQuery]
    _sets: dict[int, IdSet] = field(default_factory=dict)
    _best: dict[int, tuple[np.ndarray, list[str]]] = field(default_factory=dict)
    _selves: list[tuple[int, str, np.ndarray]] = field(default_factory=list)
    _threshold: int = (1 << 64) - 1

    def __post_init__(self) -> None:
        self._vector_numbers = [n for n, q in enumerate(self.questions) if q.vector is not None]
        self._set_numbers = [n for n, q in enumerate(self.questions) if q.vector is None]
        self._sets = {number: IdSet() for number in self._set_numbers}
        self._best = {number: (np.empty(0), []) for number in self._vector_numbers}

    def read(self, page: Page) -> None:
        """Take in the next page of records; every record must come once."""
        if not page.ids:
            return
        masks: dict[str, list[bool]] = {}
        texts = [before_nul(document) for document in page.documents]
        for number in self._set_numbers:
            question = self.questions[number]
            if question.kind == "filter":
                passes = self._mask(masks, question.stored["where"], page)
                pairs = zip(page.ids, passes, strict=True)
                self._sets[number].add(record for record, passed in pairs if passed)
            else:
                needle = question.text or ""
                documents = zip(page.ids, texts, strict=True)
                self._sets[number].add(record for record, text in documents if needle in text)
        if page.vectors.shape[1]:
            self._read_vectors(page, masks)

    def _mask(self, masks: dict[str, list[bool]], where: JSON, page: Page) -> list[bool]:
        key = repr(where)
        if key not in masks:
            masks[key] = [matches(where, metadata) for metadata in page.metadatas]
        return masks[key]

    def _read_vectors(self, page: Page, masks: dict[str, list[bool]]) -> None:
        usable = np.isfinite(page.vectors).all(axis=1)
        usable[list(page.without_vector)] = False
        if self._vector_numbers:
            queries = np.stack([self._vector(number) for number in self._vector_numbers])
            table = distances(queries, page.vectors, self.space)
            for row, number in enumerate(self._vector_numbers):
                where = self.questions[number].stored.get("where")
                keep = usable & np.array(self._mask(masks, where, page)) if where else usable
                self._merge(number, table[row], keep, page.ids)
        for row, record in enumerate(page.ids):
            rank = _number(record)
            if usable[row] and rank < self._threshold:
                self._selves.append((rank, record, page.vectors[row].copy()))
        if len(self._selves) > 2 * SELF_RECALL_MAX:
            self._trim()

    def _vector(self, number: int) -> np.ndarray:
        vector = self.questions[number].vector
        assert vector is not None  # noqa: S101 - by construction of _vector_numbers
        return vector

    def _merge(self, number: int, row: np.ndarray, keep: np.ndarray, ids: list[str]) -> None:
        places = np.flatnonzero(keep)
        if len(places) > NEIGHBOURS:
            places = places[np.argpartition(row[places], NEIGHBOURS - 1)[:NEIGHBOURS]]
        known, names = self._best[number]
        values = np.concatenate([known, row[places]])
        names = names + [ids[place] for place in places]
        order = np.argsort(values, kind="stable")[:NEIGHBOURS]
        self._best[number] = (values[order], [names[place] for place in order])

    def _trim(self) -> None:
        self._selves.sort(key=lambda ranked: ranked[0])
        del self._selves[SELF_RECALL_MAX:]
        if len(self._selves) == SELF_RECALL_MAX:
            self._threshold = self._selves[-1][0]

    def selves(self) -> tuple[list[str], np.ndarray]:
        """Return ids and vectors, float32 (n, dimension), of the records that have to find themselves.

        They are those whose ids have the lowest hashes: the same records in every copy.
        """
        self._trim()
        if not self._selves:
            return [], np.empty((0, 0), np.float32)
        ids = [record for _, record, _ in self._selves]
        return ids, np.stack([vector for _, _, vector in self._selves])

    def answers(self) -> list[Answer]:
        """Return the questions with the answers of a right server; `answered` is still None."""
        answers = []
        for number, question in enumerate(self.questions):
            if number in self._sets:
                expected = tuple(self._sets[number].value())
            else:
                values, ids = self._best[number]
                expected = tuple([i, float(v)] for i, v in zip(ids, values, strict=True))
            answers.append(Answer(question.kind, question.stored, expected))
        return answers


def distances(queries: np.ndarray, vectors: np.ndarray, space: str) -> np.ndarray:
    """Return Chroma's distances, float64 of shape (queries, vectors).

    `space`: l2 gives the square, cosine 1 - cosine, ip 1 - product.
    """
    with np.errstate(all="ignore"):  # damaged vectors may hold NaN
        return _distances(queries.astype(np.float64), vectors.astype(np.float64), space)


def _distances(a: np.ndarray, v: np.ndarray, space: str) -> np.ndarray:
    if space == "cosine":
        a, v = _unit(a), _unit(v)
    product = a @ v.T
    if space == "l2":
        squares = (a * a).sum(1)[:, None] + (v * v).sum(1)[None, :] - 2 * product
        clipped: np.ndarray = np.maximum(squares, 0.0)
        return clipped
    complement: np.ndarray = 1.0 - product
    return complement


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.where(lengths == 0, 1.0, lengths)
    return unit


def before_nul(document: str | None) -> str:
    """Return what `$contains` looks at: SQLite compares text up to its first NUL (measured)."""
    return (document or "").partition("\0")[0]


def _number(text: str) -> int:
    hasher = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hasher.digest(), "big")
