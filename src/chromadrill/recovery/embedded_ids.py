"""Which rows were embedded in this run, in 8 bytes each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.fingerprint.id_sets import id_hashes


class EmbeddedIds:
    """Ids by their 64-bit hashes; its length counts each id once."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def add(self, ids: Sequence[str]) -> None:
        """Take in ids; one may come again."""
        self._parts.append(id_hashes(ids))

    def __len__(self) -> int:
        return len(self._all())

    def lacks(self, ids: Sequence[str]) -> int:
        """How many of `ids`, each given once, are not among them."""
        return int((~np.isin(id_hashes(ids), self._all())).sum())

    def _all(self) -> np.ndarray:
        hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *self._parts]))
        self._parts = [hashes]
        return hashes
