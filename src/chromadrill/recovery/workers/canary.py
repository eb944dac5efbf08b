"""What workers hand over is held against the model of this process, before any of it is written."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from chromadrill.core.protocols import Model
from chromadrill.embedding.identity import REVISION, identity
from chromadrill.embedding.likeness import cosine
from chromadrill.recovery.sources.rows import Row
from chromadrill.recovery.workers.tasks import TaskResult, document_digest

FIRST, LATER = (
    4,
    1,
)  # documents of a task that are embedded here too: of a worker's first, of any other


class Canary:
    """Embeds a sample of each task again. Two models of one width differ in nothing else.

    `least_cosine`: of two vectors of one document, for them to be one model's.
    """

    def __init__(self, model: Model, least_cosine: float) -> None:
        self._model, self._least_cosine = model, least_cosine
        self._identity = _comparable(identity(model))
        self._known: set[str] = set()
        self._random = random.Random(7)

    def fault(self, rows: Sequence[Row], result: TaskResult) -> str | None:
        """What is wrong with the vectors of these rows, as a sentence; None where nothing is."""
        theirs = _comparable(result.identity)
        for key, value in self._identity.items():
            if theirs.get(key) != value:
                return f"its model is another: {key} {theirs.get(key)!r}, here {value!r}"
        vectors = np.asarray(result.vectors)
        wanted = (len(rows), self._model.dimension)
        if vectors.shape != wanted:
            return f"it made vectors of shape {vectors.shape}, wanted {wanted}"
        finite = np.isfinite(vectors).all(axis=1) & (np.abs(vectors).max(axis=1) > 0)
        if not finite.all():
            record = rows[int(np.argmin(finite))].id
            return f"its vector of '{record}' has no direction (NaN, infinite or all zero)"
        for row, digest in zip(rows, result.digests, strict=True):
            if document_digest(row.content) != digest:
                return f"it read another document under '{row.id}' than this process"
        return self._of_sample(rows, result.worker, vectors)

    def _of_sample(self, rows: Sequence[Row], worker: str, vectors: np.ndarray) -> str | None:
        size = min(len(rows), LATER if worker in self._known else FIRST)
        sample = self._random.sample(range(len(rows)), size)
        for at, ours in zip(
            sample, self._model.embed([rows[at].content for at in sample]), strict=True
        ):
            same = cosine(vectors[at], ours)
            if not same >= self._least_cosine:
                return (
                    f"its vector of '{rows[at].id}' is not the model's:"
                    f" cosine {same:.4f}, wanted {self._least_cosine} or more"
                )
        self._known.add(worker)
        return None


def _comparable(facts: dict[str, object]) -> dict[str, object]:
    """Without the place that the model's files came from, which differs from machine to machine."""
    return {key: value for key, value in facts.items() if key != REVISION}
