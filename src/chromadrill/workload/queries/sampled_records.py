"""What the monitor asks of a server whose data is not ours: some of its own records, by vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.workload.queries.known_answer import KnownAnswer

COLLECTIONS = 20  # the largest ones
Asked = tuple[KnownAnswer, ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """Three a collection. `wrong`: collections none of whose records is found today, and why."""

    collections: tuple[Asked, ...] = ()
    wrong: tuple[str, ...] = ()


def choose(chroma: Chroma, scopes: Sequence[Scope]) -> Questions:
    """Early, middle and late records of each collection; raises CallFailed where nothing answers.

    A record that is not found today is no question, since a healthy approximate index may miss one.
    Where none of a collection is found, or vectors cannot be read, its index is gone.
    """
    sized = [(chroma.count(info), info) for s in scopes for info in chroma.collections(s)]
    sized = [(count, info) for count, info in sized if count and info.dimension]
    chosen: list[Asked] = []
    wrong: list[str] = []
    for count, info in sorted(sized, key=lambda each: -each[0])[:COLLECTIONS]:
        found, why = _of(chroma, info, count)
        chosen += [tuple(found)] if found else []
        wrong += [f"{info.key}: {why}"] if why else []
    return Questions(tuple(chosen), tuple(wrong))


def _of(chroma: Chroma, info: CollectionInfo, count: int) -> tuple[list[KnownAnswer], str]:
    good: list[KnownAnswer] = []
    missed = ""
    for offset in sorted({0, count // 2, count - 1}):
        try:
            page = chroma.page(info, limit=100 if info.space == "ip" else 1, offset=offset)
            if not page.ids:
                continue  # removed since it was counted
            if page.without_vector:
                return [], f"{page.ids[0]} has no vector"
            # by inner product the longest is the nearest to itself
            row = int(np.argmax(np.linalg.norm(page.vectors, axis=1)))
            vector = [float(x) for x in page.vectors[row]]
            each = KnownAnswer(info.scope, info.name, page.ids[row], page.documents[row], vector)
            wrong = each.asked_of(chroma, info)
            if wrong and _outdone(chroma, info, each):
                continue
        except CallFailed as error:
            if error.status == 0:
                raise
            return [], str(error)
        if wrong:
            missed = wrong
        else:
            good.append(each)
    return good, "" if good else missed


@dataclass(frozen=True, slots=True)
class Said:
    """`wrong`: "" where most answers are right. `still`: what holds, the next question first.

    `search_ms`: how long the first answer took, if it was right: a wrong one is no latency.
    `gone`: none of the records is there any more, as it was, or not even the collection.
    """

    wrong: str
    still: Asked
    search_ms: float | None = None
    gone: bool = False


def answered(chroma: Chroma, asked: Asked) -> Said:
    """Ask one question of one collection; where that is answered wrong, all of them.

    Most must be right, not all: after a restart a healthy index may miss another record than
    before. A record that was changed or removed since it was chosen is no question any more; where
    all of them are gone at once, that is a loss. Raises CallFailed.
    """
    try:
        info = chroma.collection(asked[0].scope, asked[0].collection)
    except CallFailed as error:
        if error.status != 404:
            raise
        return Said(str(error)[:300], asked, gone=True)
    started = now()
    wrong = asked[0].asked_of(chroma, info)
    if not wrong:
        return Said("", (*asked[1:], asked[0]), round(1000 * (now() - started), 3))
    holding: list[KnownAnswer] = []
    stale, right = "", 0
    for each in asked:
        said = each.asked_of(chroma, info)
        if said and not _holds(chroma, info, each):
            stale = said
            continue
        holding.append(each)
        right += not said or _outdone(chroma, info, each)
    if not holding:
        return Said(stale, asked, gone=True)
    return Said(wrong if len(holding) > 2 * right else "", tuple(holding))


def _holds(chroma: Chroma, info: CollectionInfo, each: KnownAnswer) -> bool:
    """Whether the record is still what it was when it was chosen."""
    raw = chroma.get(info, ids=[each.record], include=("documents", "embeddings"))
    if not raw["ids"] or raw["documents"][0] != each.document:
        return False
    return bool(np.allclose(raw["embeddings"][0], each.vector, rtol=1e-5))


def _outdone(chroma: Chroma, info: CollectionInfo, each: KnownAnswer) -> bool:
    """Whether ten others are as near to its vector as it is itself: it need not be among them.

    So by inner product, where longer vectors are nearer, and among copies of one vector. Its own
    distance is computed: asked for this record alone, the server may find none (measured).
    """
    asked = np.array([each.vector], np.float32)
    own = 1.0 - float(asked[0] @ asked[0]) if info.space == "ip" else 0.0
    nearest = chroma.query(info, asked)
    ids, distances = nearest["ids"][0], nearest["distances"][0]
    if each.record in ids or len(ids) < 10:
        return False
    return bool(max(distances) <= own + 1e-5 * max(1.0, abs(own)))
