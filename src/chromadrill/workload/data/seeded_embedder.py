"""Seeded, clustered vectors: the embedder of a plain install. Not a model, and says so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

_CLUSTERS = 40


class SeededEmbedder:
    """Gives each text a vector near one of 40 centres, fixed by the text alone.

    Neighbours are real (clustered) and repeatable, meaning is not: it exercises storage and
    search, it says nothing about retrieval quality.
    """

    name = "seeded-clusters-1"

    def __init__(self, dimension: int = 384, seed: int = 7) -> None:
        self.dimension = dimension
        self._centres = np.random.default_rng(seed).normal(size=(_CLUSTERS, dimension))

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """As `embed`: an embedding function of `[embedding] function`."""
        return self.embed(texts)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), dimension)."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
            noise = np.random.default_rng(number).normal(scale=0.35, size=self.dimension)
            vectors[row] = self._centres[number % _CLUSTERS] + noise
        return vectors
