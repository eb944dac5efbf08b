"""The step of a rebuild in which documents become vectors: in this process, or by workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from chromadrill.core.protocols import Embedder
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
    """Each batch is embedded when it is put."""

    def __init__(self, model: Embedder) -> None:
        self._model = model

    def put(self, rows: list[Row], keys: KeyRange | None) -> Iterator[Batch]:
        del keys
        yield rows, self._model.embed([row.content for row in rows])

    def rest(self) -> Iterator[Batch]:
        return iter(())
