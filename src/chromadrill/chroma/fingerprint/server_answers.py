"""The answers of a running server to the reference queries, and its recall."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint.grader import Grader
from chromadrill.chroma.fingerprint.id_sets import set_digest
from chromadrill.chroma.fingerprint.nearest import NEIGHBOURS
from chromadrill.chroma.fingerprint.reference_queries import ReferenceQuery
from chromadrill.core.model import Answer, CollectionInfo, Recall

BATCH = 200  # queries sent together
SAME_PLACE = 1e-5  # distances this close are one place: ten copies of a text tie

# (name of the check, where): notes what fails inside, instead of raising it
Step = Callable[[str, str], AbstractContextManager[None]]


def ask(chroma: Chroma, info: CollectionInfo, grader: Grader, step: Step) -> list[Answer]:
    """Put every question of `grader` to the server; return them with both sides of the answer.

    A question whose call failed has no `answered`.
    """
    answers = grader.answers()
    plain = [n for n, question in enumerate(grader.questions) if question.kind == "neighbours"]
    for start in range(0, len(plain), BATCH):
        group = plain[start : start + BATCH]
        vectors = np.stack([_vector(grader.questions[n]) for n in group])
        with step("neighbours", info.key):
            raw = chroma.query(info, vectors, n_results=NEIGHBOURS)
            for n, ids, distances in zip(group, raw["ids"], raw["distances"], strict=True):
                answers[n] = _with_neighbours(answers[n], ids, distances)
    for n, question in enumerate(grader.questions):
        if question.kind == "neighbours":
            continue
        with step(question.kind, info.key):
            answers[n] = _ask_one(chroma, info, question, answers[n])
    return answers


def recall(
    chroma: Chroma,
    info: CollectionInfo,
    grader: Grader,
    answers: Sequence[Answer],
    step: Step,
) -> Recall | None:
    """Return how well the server finds neighbours and records themselves; None without vectors."""
    ids, vectors = grader.selves()
    if not ids:
        return None
    missed: list[str] = []
    answered = 0
    for start in range(0, len(ids), BATCH):
        group = ids[start : start + BATCH]
        with step("self-recall", info.key):
            raw = chroma.query(info, vectors[start : start + BATCH], n_results=NEIGHBOURS)
            answered += len(group)
            missed += [
                record
                for record, near, distances in zip(group, raw["ids"], raw["distances"], strict=True)
                if record not in near and not _all_tie(distances)
            ]
    returned, wanted = neighbours_returned(answers)
    return Recall(returned, wanted, answered - len(missed), len(ids), tuple(missed))


def neighbours_returned(answers: Sequence[Answer]) -> tuple[int, int]:
    """Return how many of the exact neighbours the server returned, and of how many.

    They are compared by distance, since neighbours at one distance are equal.
    """
    returned = wanted = 0
    for answer in answers:
        if answer.kind != "neighbours" or not answer.expected:
            continue
        wanted += len(answer.expected)
        reach = answer.expected[-1][1]
        distances = [distance for _, distance in answer.answered or ()]
        returned += sum(d <= reach + SAME_PLACE + 1e-4 * abs(reach) for d in distances)
    return returned, wanted


def _ask_one(
    chroma: Chroma, info: CollectionInfo, question: ReferenceQuery, answer: Answer
) -> Answer:
    if question.kind == "filtered neighbours":
        raw = chroma.query(
            info,
            _vector(question)[None, :],
            n_results=NEIGHBOURS,
            where=question.stored["where"],
        )
        return _with_neighbours(answer, raw["ids"][0], raw["distances"][0])
    if question.kind == "filter":
        raw = chroma.get(info, where=question.stored["where"])
    else:
        raw = chroma.get(info, where_document={"$contains": question.text})
    return dataclasses.replace(answer, answered=tuple(set_digest(raw["ids"])))


def _with_neighbours(answer: Answer, ids: Sequence[str], distances: Sequence[float]) -> Answer:
    neighbours = tuple([id_, float(d)] for id_, d in zip(ids, distances, strict=True))
    return dataclasses.replace(answer, answered=neighbours)


def _vector(question: ReferenceQuery) -> np.ndarray:
    assert question.vector is not None  # noqa: S101 - only asked of questions with vectors
    return question.vector


def _all_tie(distances: Sequence[float]) -> bool:
    """More than ten records at one place crowd each other out; that is no loss."""
    return len(distances) == NEIGHBOURS and distances[-1] - distances[0] <= SAME_PLACE
