"""What a monitor asks of a server whose data is not ours: three self-queries a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.workload.queries.known_answer import NEAREST, KnownAnswer, spread
from chromadrill.workload.queries.self_queries import (
    VectorMissing,
    distance,
    is_hidden,
    question_at,
)

COLLECTIONS = 20  # the largest ones
PER_COLLECTION = 3
TRIED = 30  # records of a collection, until so many are found as a sample has
LONGEST_OF = 100
CollectionSample = tuple[KnownAnswer, ...]


@dataclass(frozen=True, slots=True)
class SampledCollections:
    """`samples`: the questions of each collection.

    `wrong`: collections none of whose records is found today, and why.
    """

    samples: tuple[CollectionSample, ...] = ()
    wrong: tuple[str, ...] = ()


def sample_collections(chroma: Chroma, scopes: Sequence[Scope]) -> SampledCollections:
    """Early, middle and late records of each collection; raises CallFailed where nothing answers.

    A record that is not found today is no question, since a healthy approximate index may miss one.
    Where none of a collection is found, or vectors cannot be read, its index is gone.
    """
    sized = [(chroma.count(info), info) for s in scopes for info in chroma.collections(s)]
    sized = [(count, info) for count, info in sized if count and info.dimension]
    samples: list[CollectionSample] = []
    wrong: list[str] = []
    for count, info in sorted(sized, key=lambda pair: -pair[0])[:COLLECTIONS]:
        questions, why = _sample(chroma, info, count)
        samples += [tuple(questions)] if questions else []
        wrong += [f"{info.key}: {why}"] if why else []
    return SampledCollections(tuple(samples), tuple(wrong))


def _sample(chroma: Chroma, info: CollectionInfo, count: int) -> tuple[list[KnownAnswer], str]:
    right: list[KnownAnswer] = []
    missed = ""
    # by inner product the longest is the nearest to itself
    longest_of = LONGEST_OF if info.space == "ip" else 1
    # a healthy index over many random vectors finds one in three, or fewer: then more are tried
    for offset in dict.fromkeys([*spread(count, PER_COLLECTION), *spread(count, TRIED)]):
        if len(right) == PER_COLLECTION:
            break
        try:
            question = question_at(chroma, info, offset, longest_of=longest_of)
            if question is None:
                continue  # removed since it was counted
            wrong = question.ask(chroma, info)
            if wrong and _is_outdone(chroma, info, question):
                continue
        except VectorMissing as error:
            return [], str(error)
        except CallFailed as error:
            if error.status == 0 or error.is_access:
                raise
            return [], str(error)
        if wrong:
            missed = wrong
        else:
            right.append(question)
    return right, "" if right else missed


@dataclass(frozen=True, slots=True)
class CollectionAnswer:
    """`wrong`: "" where most answers are right. `questions`: those that hold, the next one first.

    `search_ms`: how long the first answer took, if it was right: a wrong one is no latency.
    `is_gone`: none of the records is there any more, as it was, or not even the collection.
    """

    wrong: str
    questions: CollectionSample
    search_ms: float | None = None
    is_gone: bool = False


def ask_collection(chroma: Chroma, questions: CollectionSample) -> CollectionAnswer:
    """Ask one question of one collection; where that is answered wrong, all of them.

    Most must be right, not all: after a restart a healthy index may miss another record than
    before. A record that was changed or removed since it was chosen is no question any more; where
    all of them are gone at once, that is a loss. Raises CallFailed.
    """
    first, *others = questions
    try:
        info = chroma.collection(first.scope, first.collection)
    except CallFailed as error:
        if not error.is_missing:
            raise
        return CollectionAnswer(str(error)[:300], questions, is_gone=True)
    started = now()
    wrong = first.ask(chroma, info)
    if not wrong:
        return CollectionAnswer("", (*others, first), round(1000 * (now() - started), 3))
    holding: list[KnownAnswer] = []
    stale, right = "", 0
    for question in questions:
        why = question.ask(chroma, info)
        if why and not _is_unchanged(chroma, info, question):
            stale = why
            continue
        holding.append(question)
        right += not why or _is_outdone(chroma, info, question)
    if not holding:
        return CollectionAnswer(stale, questions, is_gone=True)
    return CollectionAnswer(wrong if len(holding) > 2 * right else "", tuple(holding))


def _is_unchanged(chroma: Chroma, info: CollectionInfo, question: KnownAnswer) -> bool:
    """Whether the record is still what it was when it was chosen."""
    include = ("documents", "embeddings")
    raw = chroma.get(info, ids=[question.record], include=include, **question.filters)
    if not raw["ids"] or raw["documents"][0] != question.document:
        return False
    return bool(np.allclose(raw["embeddings"][0], question.stored_vector, rtol=1e-5))


def _is_outdone(chroma: Chroma, info: CollectionInfo, question: KnownAnswer) -> bool:
    """Whether ten others are as near to the question as it is itself: it need not be among them.

    So by inner product, where longer vectors are nearer, and among copies of one vector. Its own
    distance is computed: asked for this record alone, the server may find none (measured).
    """
    vector = question.query_vector()
    nearest = chroma.query(info, vector, **question.filters)
    ids, distances = nearest["ids"][0], nearest["distances"][0]
    if question.record in ids or len(ids) < NEAREST:
        return False
    stored = np.asarray(question.stored_vector, np.float32)
    return is_hidden(distance(info.space, vector[0], stored), distances)
