"""Self-queries: a target's own records as questions, each asked for by its own vector.

Only reads. A record that does not come back is missed, or merely hidden by equal vectors. By inner
product the longest vectors are the nearest, and most records are hidden by them: then the question is
asked for the nearest record, found by a look at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import DrillError
from chromadrill.core.in_flight import in_flight
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.workload.queries.known_answer import NEAREST, KnownAnswer, mismatch, spread

SCANNED = 200_000  # records that are looked at for the nearest of them: more take minutes
SLACK = 1e-3  # of a distance that the server calculates, against ours
TIES = 1e-5  # of a distance: float32, computed in another order


class VectorMissing(DrillError):
    """A record that should be a question has no vector."""


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions about one collection (`info`; None: there is none with records), once asked.

    `tried` were asked; `right` are those that answered. `missed` are the records that did not come
    although they are nearer than what came, or that came with another document. `unreached` are nearer
    too, and are in the index: its approximate search does not get to them. The others are hidden by
    equal vectors.
    """

    info: CollectionInfo | None
    records: int
    tried: int
    right: tuple[KnownAnswer, ...]
    missed: tuple[str, ...]
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """Questions that were asked; see QuestionSet."""

    right: tuple[KnownAnswer, ...]
    missed: tuple[str, ...]
    unreached: tuple[str, ...]


def self_queries(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> QuestionSet:
    """At most `wanted` records of the largest collection, spread over it. Raises CallFailed."""
    count, info = largest_collection(chroma, scopes)
    if info is None:
        return QuestionSet(None, 0, 0, (), ())
    questions = []
    calls = [partial(question_at, chroma, info, offset) for offset in spread(count, wanted)]
    for flight in in_flight(calls):
        try:
            question = flight.result()
        except VectorMissing:
            continue
        if question is not None:
            questions.append((question, question.vector))
    split = split_questions(chroma, info, info.space, questions)
    if info.space == "ip" and count <= SCANNED:
        decided = {*split.missed, *split.unreached, *(question.record for question in split.right)}
        hidden = [question for question, _ in questions if question.record not in decided]
        more = split_questions(chroma, info, info.space, _nearest_of_all(chroma, info, hidden))
        split = Split(
            split.right + more.right, split.missed + more.missed, split.unreached + more.unreached
        )
    return QuestionSet(info, count, min(wanted, count), split.right, split.missed, split.unreached)


def _nearest_of_all(
    chroma: Chroma, info: CollectionInfo, questions: Sequence[KnownAnswer]
) -> list[tuple[KnownAnswer, Sequence[float]]]:
    """The same questions about the record whose inner product is the largest of all."""
    if not questions:
        return []
    asked = np.array([question.vector for question in questions], np.float64)
    largest = np.full(len(questions), -np.inf)
    nearest = [(question, question.vector) for question in questions]
    for page in chroma.pages(info):
        products = asked @ page.vectors.astype(np.float64).T
        products[:, list(page.without_vector)] = -np.inf
        rows = products.argmax(axis=1)
        for number in np.flatnonzero(products.max(axis=1) > largest):
            row = int(rows[number])
            largest[number] = products[number, row]
            answer = dataclasses.replace(
                questions[int(number)], record=page.ids[row], document=page.documents[row]
            )
            nearest[number] = answer, [float(x) for x in page.vectors[row]]
    return [*nearest]


def largest_collection(
    chroma: Chroma, scopes: Sequence[Scope]
) -> tuple[int, CollectionInfo | None]:
    """The collection with the most records, and how many; None where there are no records."""
    infos = [(chroma.count(info), info) for s in scopes for info in chroma.collections(s)]
    count, info = max(infos, key=lambda pair: pair[0], default=(0, None))
    return (count, info) if count else (0, None)


def question_at(
    chroma: Chroma, info: CollectionInfo, offset: int, *, longest_of: int = 1
) -> KnownAnswer | None:
    """The record at `offset` as a question; None where there is no record any more.

    `longest_of`: of so many records from there on, the one with the longest vector. Raises
    VectorMissing where one of them has none.
    """
    page = chroma.page(info, limit=longest_of, offset=offset)
    if not page.ids:
        return None
    if page.without_vector:
        raise VectorMissing(f"{page.ids[page.without_vector[0]]} has no vector")
    row = int(np.argmax(np.linalg.norm(page.vectors, axis=1)))
    vector = [float(x) for x in page.vectors[row]]
    return KnownAnswer(info.scope, info.name, page.ids[row], page.documents[row], vector)


def split_questions(
    chroma: Chroma,
    info: CollectionInfo,
    space: str,
    questions: Sequence[tuple[KnownAnswer, Sequence[float]]],
) -> Split:
    """Ask them, each with its record's stored vector, and tell the right ones from the others."""
    right: list[KnownAnswer] = []
    missed: list[str] = []
    nearer: list[tuple[KnownAnswer, float]] = []  # than what came, and their own distance
    for question, stored in questions:
        vector = question.query_vector()
        # graded by this one answer: a server that is wrong now and then may be right the next time
        raw = chroma.query(info, vector, n_results=NEAREST, include=("documents",))
        ids = raw["ids"][0]
        if not mismatch(question.record, question.document, ids, raw["documents"][0]):
            right.append(question)
            continue
        if question.record in ids:
            missed.append(question.record)
            continue
        own = distance(space, vector[0], np.asarray(stored, np.float32))
        others = _distances(chroma, info, space, vector[0], ids)
        if len(others) < min(NEAREST, chroma.count(info)):
            missed.append(question.record)
        elif not is_hidden(own, others):
            nearer.append((question, own))
    unreached = _in_the_index(chroma, info, nearer)
    missed += [question.record for question, _ in nearer if question.record not in unreached]
    return Split(tuple(right), tuple(missed), tuple(sorted(unreached)))


def _distances(
    chroma: Chroma, info: CollectionInfo, space: str, asked: np.ndarray, ids: Sequence[str]
) -> list[float]:
    """How far the stored vectors of `ids` are from the question; without those that are no records."""
    rows = chroma.get(info, ids=ids, include=("embeddings",))["embeddings"] if ids else []
    return [distance(space, asked, np.asarray(row, np.float32)) for row in rows]


def _in_the_index(
    chroma: Chroma, info: CollectionInfo, questions: Sequence[tuple[KnownAnswer, float]]
) -> set[str]:
    """The records of `questions` that are found, as far as they are, where only these are searched.

    A default index over 20,000 random vectors of 384 dimensions does not reach one in eight by its own
    vector, and all of these by such a question (measured): nothing of them is lost.
    """
    found: set[str] = set()
    for start in range(0, len(questions), NEAREST):
        part = questions[start : start + NEAREST]
        ids = sorted({question.record for question, _ in part})
        vectors = np.concatenate([question.query_vector() for question, _ in part])
        raw = chroma.query(info, vectors, n_results=len(ids), ids=ids)
        answers = zip(part, raw["ids"], raw["distances"], strict=True)
        for (question, own), row, distances in answers:
            near = dict(zip(row, distances, strict=True)).get(question.record)
            if near is not None and abs(near - own) <= SLACK * max(1.0, abs(own)):
                found.add(question.record)
    return found


def is_hidden(own: float, others: Sequence[float]) -> bool:
    """Whether a record need not come: every other is as near to the question as it is itself."""
    return max(others) <= own + TIES * max(1.0, abs(own))


def distance(space: str, one: np.ndarray, other: np.ndarray) -> float:
    """As Chroma defines it: squared l2, 1 - cosine, 1 - inner product."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    if space == "l2":
        return float(((a - b) ** 2).sum())
    norm = float(np.linalg.norm(a) * np.linalg.norm(b)) if space == "cosine" else 1.0
    return 1.0 - float(a @ b) / (norm or 1.0)
