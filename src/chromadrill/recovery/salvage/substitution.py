"""Vectors from elsewhere for records whose own is not sound: what the reading of remains asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from chromadrill.core.model import CollectionInfo, CollectionPrint, Page
from chromadrill.recovery.salvage.findings import Place

Vectors = npt.NDArray[np.float32]


class FoundPage(NamedTuple):
    """Records with what the store itself has: `vectors` float32 (n, dimension), where each one is."""

    page: Page
    vectors: Vectors
    places: list[Place]
    proven: npt.NDArray[np.bool_]


class Substitutes(Protocol):
    """Another store, or an embedder."""

    def prepare(
        self, info: CollectionInfo, before: CollectionPrint | None, pages: Iterable[FoundPage]
    ) -> None:
        """Look through a collection once, before `fill`. Raises Refused for another model's vectors."""
        ...

    def fill(self, found: FoundPage) -> FoundPage:
        """The page with vectors of others in place of those that are not sound."""
        ...
