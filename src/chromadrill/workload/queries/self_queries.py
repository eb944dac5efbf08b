"""A target's own records as questions, and what it gets wrong of them: missed, or merely hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.workload.queries.known_answer import KnownAnswer, largest, mismatch, spread_over

NEAREST = 10
TIES = 1e-5  # of a distance: float32, computed in another order


@dataclass(frozen=True, slots=True)
class OwnQuestions:
    """Records of the largest collection (`info`; None: there is none with records) as questions.

    `tried` were asked for; `right` are those that answered. `missed` are those that did not
    although they are nearer than what was answered, or that came with other words. The others are
    hidden by equal vectors.
    """

    info: CollectionInfo | None
    records: int
    tried: int
    right: tuple[KnownAnswer, ...]
    missed: tuple[str, ...]


def own_questions(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> OwnQuestions:
    """At most `wanted` of the largest collection's own records; only reads. Raises CallFailed."""
    count, info = largest(chroma, scopes)
    if info is None:
        return OwnQuestions(None, 0, 0, (), ())
    tried = [(each, each.vector) for each in spread_over(chroma, info, count, wanted)]
    right, missed = sorted_out(chroma, info, info.space, tried)
    return OwnQuestions(info, count, min(wanted, count), right, missed)


def sorted_out(
    chroma: Chroma,
    info: CollectionInfo,
    space: str,
    tried: Sequence[tuple[KnownAnswer, Sequence[float]]],
) -> tuple[tuple[KnownAnswer, ...], tuple[str, ...]]:
    """Ask them: the right ones, and the records missed. With each, its record's stored vector."""
    right: list[KnownAnswer] = []
    missed: list[str] = []
    for each, held in tried:
        vector = np.asarray(each.vector, np.float32)
        # judged by this one answer: a server that is wrong now and then may be right the next time
        raw = chroma.query(info, vector[None], n_results=NEAREST, include=("documents",))
        ids = raw["ids"][0]
        if not mismatch(each.record, each.document, ids, raw["documents"][0]):
            right.append(each)
        elif each.record in ids or _farther(chroma, info, space, vector, held, ids):
            missed.append(each.record)
    return tuple(right), tuple(missed)


def _farther(
    chroma: Chroma,
    info: CollectionInfo,
    space: str,
    asked: np.ndarray,
    held: Sequence[float],
    ids: Sequence[str],
) -> bool:
    """Whether too few came, or one that is farther from the question than the record is."""
    came = chroma.get(info, ids=ids, include=("embeddings",))["embeddings"] if ids else []
    if len(came) < min(NEAREST, chroma.count(info)):
        return True
    far = max(distance(space, asked, np.asarray(row, np.float32)) for row in came)
    own = distance(space, asked, np.asarray(held, np.float32))
    return far > own + TIES * max(1.0, abs(own))


def distance(space: str, one: np.ndarray, other: np.ndarray) -> float:
    """As Chroma defines it: squared l2, 1 - cosine, 1 - inner product."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    if space == "l2":
        return float(((a - b) ** 2).sum())
    norm = float(np.linalg.norm(a) * np.linalg.norm(b)) if space == "cosine" else 1.0
    return 1.0 - float(a @ b) / (norm or 1.0)
