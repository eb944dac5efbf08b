"""The step of a rebuild in which documents become vectors: in this process, or by workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from chromadrill.core.protocols import Embedder
from chromadrill.embedding.function_model import PartlyEmbedded
from chromadrill.recovery.sources.rows import KeyRange, Row

Batch = tuple[list[Row], np.ndarray]  # rows, and their vectors of shape (rows, dimension)


class EmbeddingStep(Protocol):
    """Takes batches of rows, and gives them back with vectors, in any order and later perhaps."""

    def put(self, rows: list[Row], keys: KeyRange | None) -> Iterator[Batch]:
        """Take `rows`, which are of the range `keys`; yield what is ready to be written meanwhile."""
        ...

    def rest(self) -> Iterator[Batch]:
        """What is still to come."""
        ...


class InThisProcess:
    """Each batch is embedded when it is put.

    What a service answered before it failed is paid: it is given back before the failure is raised.
    """

    def __init__(self, model: Embedder) -> None:
        self._model = model

    def put(self, rows: list[Row], keys: KeyRange | None) -> Iterator[Batch]:
        del keys
        try:
            vectors = self._model.embed([row.content for row in rows])
        except PartlyEmbedded as failure:
            places = sorted(failure.vectors)
            answered = np.stack([failure.vectors[place] for place in places])
            yield [rows[place] for place in places], answered
            raise
        yield rows, vectors

    def rest(self) -> Iterator[Batch]:
        return iter(())
