"""The answers of a running server to the reference queries, and its recall."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint.digests import digest
from chromadrill.chroma.fingerprint.id_sets import IdSet, id_hashes
from chromadrill.chroma.fingerprint.nearest import NEIGHBOURS
from chromadrill.chroma.fingerprint.reference_queries import ReferenceQuery
from chromadrill.chroma.ids_json import id_slices
from chromadrill.core.in_flight import in_flight
from chromadrill.core.memory import give_back_freed
from chromadrill.core.model import JSON, Answer, CollectionInfo, Recall
from chromadrill.core.model.fingerprints import SAME_PLACE

BATCH = 200  # queries sent together
LARGE = 4 << 20  # bytes of an answer

# (name of the check, where): notes what fails inside, instead of raising it
Step = Callable[[str, str], AbstractContextManager[None]]


def ask(
    chroma: Chroma,
    info: CollectionInfo,
    questions: Sequence[ReferenceQuery],
    right: Sequence[Answer],
    step: Step,
) -> list[Answer]:
    """Put every question to the server; return their `right` answers with those of the server.

    A question whose call failed has no `answered`.
    """
    answers = list(right)
    groups = _asked_together(questions)
    calls: list[Callable[[], JSON]] = [
        partial(
            _nearest,
            chroma,
            info,
            [_vector(questions[n]) for n in group],
            questions[group[0]].stored.get("where"),
        )
        for group in groups
    ]
    for group, flight in zip(groups, in_flight(calls), strict=True):
        with step(questions[group[0]].kind, info.key):
            raw = flight.result()
            for n, ids, distances in zip(group, raw["ids"], raw["distances"], strict=True):
                answers[n] = _with_neighbours(answers[n], ids, distances)
    alike: dict[str, list[int]] = {}  # texts of alike documents are the same ones: asked for once
    for n, question in enumerate(questions):
        if question.vector is None:
            alike.setdefault(question.asked, []).append(n)
    digests = _Digests()
    asking = [partial(_ask_one, chroma, info, questions[n[0]], digests) for n in alike.values()]
    for numbers, answered in zip(alike.values(), in_flight(asking), strict=True):
        with step(questions[numbers[0]].kind, info.key):
            for n in numbers:
                answers[n] = dataclasses.replace(answers[n], answered=answered.result())
    return answers


def recall(
    chroma: Chroma,
    info: CollectionInfo,
    selves: tuple[Sequence[str], np.ndarray],
    answers: Sequence[Answer],
    step: Step,
) -> Recall | None:
    """Return how well the server finds neighbours and records themselves; None without vectors.

    `selves`: the ids of those records, and their vectors, float32 (n, dimension).
    """
    ids, vectors = selves
    if not ids:
        return None
    missed: list[str] = []
    answered = 0
    starts = range(0, len(ids), BATCH)
    calls = [partial(_nearest, chroma, info, vectors[start : start + BATCH]) for start in starts]
    for start, flight in zip(starts, in_flight(calls), strict=True):
        group = ids[start : start + BATCH]
        with step("self-recall", info.key):
            raw = flight.result()
            answered += len(group)
            missed += [
                record
                for record, near, distances in zip(group, raw["ids"], raw["distances"], strict=True)
                if record not in near and not _all_tie(distances)
            ]
    asked = [answer for answer in answers if answer.kind == "neighbours"]
    returned = sum(answer.neighbours_found for answer in asked)
    wanted = sum(len(answer.expected) for answer in asked)
    return Recall(returned, wanted, answered - len(missed), len(ids), tuple(missed))


def _asked_together(questions: Sequence[ReferenceQuery]) -> list[list[int]]:
    """The numbers of the questions for neighbours, a group for each call: of one filter, or of none."""
    by_filter: dict[str, list[int]] = {}
    for n, question in enumerate(questions):
        if question.vector is not None:
            by_filter.setdefault(repr(question.stored.get("where")), []).append(n)
    return [
        group[start : start + BATCH]
        for group in by_filter.values()
        for start in range(0, len(group), BATCH)
    ]


def _nearest(
    chroma: Chroma,
    info: CollectionInfo,
    vectors: Sequence[np.ndarray] | np.ndarray,
    where: JSON | None = None,
) -> JSON:
    return chroma.query(info, np.asarray(vectors), n_results=NEIGHBOURS, where=where)


def _ask_one(
    chroma: Chroma, info: CollectionInfo, question: ReferenceQuery, digests: _Digests
) -> tuple[object, ...]:
    """What the server answers to a question that is asked alone."""
    if question.kind == "filter":
        return digests.of(chroma.matching_ids(info, where=question.stored["where"]))
    return digests.of(chroma.matching_ids(info, where_document={"$contains": question.text}))


class _Digests:
    """The digests of sets of ids; a set that came before, in the same order, is not hashed again.

    Words that every document holds, and a filter that every record passes, name all records each time.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[object, ...]] = {}

    def of(self, text: memoryview) -> tuple[object, ...]:
        name = digest(text)
        if name not in self._known:
            id_set = IdSet()
            for ids in id_slices(text):
                id_set.add(id_hashes(ids))
            self._known[name] = tuple(id_set.value())
            if len(text) > LARGE:
                give_back_freed()
        return self._known[name]


def _with_neighbours(answer: Answer, ids: Sequence[str], distances: Sequence[float]) -> Answer:
    return dataclasses.replace(answer, answered=_neighbours(ids, distances))


def _neighbours(ids: Sequence[str], distances: Sequence[float]) -> tuple[object, ...]:
    return tuple([id_, float(d)] for id_, d in zip(ids, distances, strict=True))


def _vector(question: ReferenceQuery) -> np.ndarray:
    assert question.vector is not None  # noqa: S101 - only asked of questions with vectors
    return question.vector


def _all_tie(distances: Sequence[float]) -> bool:
    """More than ten records at one place crowd each other out; that is no loss."""
    return len(distances) == NEIGHBOURS and distances[-1] - distances[0] <= SAME_PLACE
