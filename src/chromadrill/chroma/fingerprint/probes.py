"""Questions with known answers: the known side, computed over the records by brute force.

A Grader reads every page once, in flat memory, and knows afterwards what a right server answers:
exact nearest neighbours, filters, filtered neighbours, text search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.fingerprint.digests import IdSet
from chromadrill.chroma.fingerprint.filterable_keys import filterable, searchable
from chromadrill.chroma.fingerprint.filters import choose_filters, matches
from chromadrill.core.model import JSON, Answer, Page

NEIGHBOURS = 10
SAMPLE = 64  # records whose neighbours are asked for, in a collection
TEXTS = 48
FILTERED = 3  # filters that are also asked together with a vector
SELF_RECALL_MAX = 5000  # records asked to find themselves; all, where a collection has fewer


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is stored (`asked`), with what it needs from the records at hand."""

    kind: str
    asked: JSON
    vector: np.ndarray | None = None
    words: str | None = None


def choose(sample: Page, schema: JSON | None = None) -> list[Question]:
    """Questions from a sample of records: their neighbours, their metadata, their words.

    Only those that the collection's schema allows.
    """
    filters = choose_filters([filterable(schema, each) for each in sample.metadatas])
    rows = dict(zip(sample.ids, range(len(sample.ids)), strict=True))
    asked: list[tuple[str, JSON]] = [("neighbours", {"id": each}) for each in sample.ids]
    asked += [("filter", {"where": each}) for each in filters]
    asked += [
        ("filtered neighbours", {"id": record, "where": where})
        for where in filters[:FILTERED]
        for record in sample.ids[:3]
    ]
    for record in sample.ids[:TEXTS] if searchable(schema) else ():
        document = before_nul(sample.documents[rows[record]])
        if document:
            length = min(32, len(document))
            start = _number(record) % (len(document) - length + 1)
            asked.append(("text", {"id": record, "start": start, "length": length}))
    return bind(asked, sample)


def bind(asked: Sequence[tuple[str, JSON]], sample: Page) -> list[Question]:
    """Give stored questions the vectors and words of the records they name.

    A question whose record is gone or has lost its vector or words cannot be put; it is left out
    (the records' own check names the loss).
    """
    rows = {each: row for row, each in enumerate(sample.ids) if row not in sample.without_vector}
    questions = []
    for kind, question in asked:
        if kind == "filter":
            questions.append(Question(kind, question))
            continue
        row = rows.get(question["id"])
        if row is None:
            continue
        if kind == "text":
            document = before_nul(sample.documents[row])
            words = document[question["start"] : question["start"] + question["length"]]
            if len(words) == question["length"]:
                questions.append(Question(kind, question, words=words))
        else:
            questions.append(Question(kind, question, vector=sample.vectors[row]))
    return questions


@dataclass
class Grader:
    """Reads pages, keeps the exact answers of `questions`, and a sample of records for self-recall.

    Peak memory: the questions, and at most 5,000 vectors.
    """

    space: str
    questions: list[Question]
    _sets: dict[int, IdSet] = field(default_factory=dict)
    _best: dict[int, tuple[np.ndarray, list[str]]] = field(default_factory=dict)
    _selves: list[tuple[int, str, np.ndarray]] = field(default_factory=list)
    _threshold: int = (1 << 64) - 1

    def __post_init__(self) -> None:
        self._vector_at = [n for n, q in enumerate(self.questions) if q.vector is not None]
        self._set_at = [n for n, q in enumerate(self.questions) if q.vector is None]
        self._sets = {n: IdSet() for n in self._set_at}
        self._best = {n: (np.empty(0), []) for n in self._vector_at}

    def read(self, page: Page) -> None:
        if not page.ids:
            return
        masks: dict[str, list[bool]] = {}
        texts = [before_nul(each) for each in page.documents]
        for at in self._set_at:
            question = self.questions[at]
            if question.kind == "filter":
                chosen = self._mask(masks, question.asked["where"], page)
                self._sets[at].add(i for i, yes in zip(page.ids, chosen, strict=True) if yes)
            else:
                words = question.words or ""
                self._sets[at].add(i for i, d in zip(page.ids, texts, strict=True) if words in d)
        if page.vectors.shape[1]:
            self._read_vectors(page, masks)

    def _mask(self, masks: dict[str, list[bool]], where: JSON, page: Page) -> list[bool]:
        key = repr(where)
        if key not in masks:
            masks[key] = [matches(where, each) for each in page.metadatas]
        return masks[key]

    def _read_vectors(self, page: Page, masks: dict[str, list[bool]]) -> None:
        usable = np.ones(len(page.ids), bool)
        usable[list(page.without_vector)] = False
        if self._vector_at:
            asked = np.stack([self._asked_vector(at) for at in self._vector_at])
            table = distances(asked, page.vectors, self.space)
            for row, at in enumerate(self._vector_at):
                where = self.questions[at].asked.get("where")
                keep = usable & np.array(self._mask(masks, where, page)) if where else usable
                self._merge(at, table[row], keep, page.ids)
        for row, each in enumerate(page.ids):
            rank = _number(each)
            if usable[row] and rank < self._threshold:
                self._selves.append((rank, each, page.vectors[row].copy()))
        if len(self._selves) > 2 * SELF_RECALL_MAX:
            self._trim()

    def _asked_vector(self, at: int) -> np.ndarray:
        vector = self.questions[at].vector
        assert vector is not None  # noqa: S101 - by construction of _vector_at
        return vector

    def _merge(self, at: int, row: np.ndarray, keep: np.ndarray, ids: list[str]) -> None:
        places = np.flatnonzero(keep)
        if len(places) > NEIGHBOURS:
            places = places[np.argpartition(row[places], NEIGHBOURS - 1)[:NEIGHBOURS]]
        known, names = self._best[at]
        values = np.concatenate([known, row[places]])
        names = names + [ids[place] for place in places]
        order = np.argsort(values, kind="stable")[:NEIGHBOURS]
        self._best[at] = (values[order], [names[o] for o in order])

    def _trim(self) -> None:
        self._selves.sort(key=lambda each: each[0])
        del self._selves[SELF_RECALL_MAX:]
        if len(self._selves) == SELF_RECALL_MAX:
            self._threshold = self._selves[-1][0]

    def selves(self) -> tuple[list[str], np.ndarray]:
        """The records asked to find themselves: the same ones in every copy (lowest hash of id)."""
        self._trim()
        if not self._selves:
            return [], np.empty((0, 0), np.float32)
        return [each[1] for each in self._selves], np.stack([each[2] for each in self._selves])

    def answers(self) -> list[Answer]:
        """The questions with their expected side; `answered` is still None."""
        found = []
        for at, question in enumerate(self.questions):
            if at in self._sets:
                expected = tuple(self._sets[at].value())
            else:
                values, ids = self._best[at]
                expected = tuple([i, float(v)] for i, v in zip(ids, values, strict=True))
            found.append(Answer(question.kind, question.asked, expected))
        return found


def distances(asked: np.ndarray, vectors: np.ndarray, space: str) -> np.ndarray:
    """Chroma's distances in float64, shape (asked, vectors): l2 squared, 1 - cosine, 1 - product."""
    with np.errstate(all="ignore"):  # damaged vectors may hold NaN
        return _distances(asked.astype(np.float64), vectors.astype(np.float64), space)


def _distances(a: np.ndarray, v: np.ndarray, space: str) -> np.ndarray:
    if space == "cosine":
        a, v = _unit(a), _unit(v)
    product = a @ v.T
    if space == "l2":
        squares = (a * a).sum(1)[:, None] + (v * v).sum(1)[None, :] - 2 * product
        clipped: np.ndarray = np.maximum(squares, 0.0)
        return clipped
    turned: np.ndarray = 1.0 - product
    return turned


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.where(lengths == 0, 1.0, lengths)
    return unit


def before_nul(document: str | None) -> str:
    """What `$contains` looks at: SQLite compares text up to its first NUL character (measured)."""
    return (document or "").partition("\0")[0]


def _number(text: str) -> int:
    hashed = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big")
