"""Sound vectors of the damaged store itself: the measure of whoever offers others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chromadrill.embedding.likeness import row_cosines
from chromadrill.recovery.text_digests import text_digests
from chromadrill.recovery.vectors_from.sample import Sample, SampledDocument

Vectors = npt.NDArray[np.float32]
SIZE = 1000  # so that a lender of a part of the documents has some of them
EMBEDDED = 16  # of which are embedded again


class Comparison:
    """How offered vectors compare with those of a sample, document by document."""

    def __init__(self) -> None:
        self.compared = 0
        self.lowest = 1.0
        self.wrong: list[str] = []  # ids

    def add(self, id_: str, cosine: float, least: float) -> None:
        self.compared += 1
        self.lowest = cosine if not cosine >= self.lowest else self.lowest  # NaN wins
        if not cosine >= least:
            self.wrong.append(id_)


class OwnSample:
    """Documents whose vector is sound, at most SIZE of them, drawn by their digests."""

    def __init__(self) -> None:
        self._sample = Sample(SIZE)
        self._by_key: dict[int, SampledDocument] | None = None

    def offer(self, ids: Sequence[str], texts: Sequence[str], vectors: Vectors) -> None:
        """Take in documents with their vectors, before anything is compared.

        A vector of zeros has no direction, and is no measure of another.
        """
        keys = text_digests(texts)[:, 0].tolist() if texts else []
        for id_, text, vector, key in zip(ids, texts, vectors, keys, strict=True):
            if self._sample.wants(key) and vector.any():
                self._sample.offer(SampledDocument(id_, text, vector.copy()), key)

    @property
    def documents(self) -> list[SampledDocument]:
        return list(self._keyed().values())

    def compare(
        self, comparison: Comparison, texts: Sequence[str], vectors: Vectors, least: float
    ) -> None:
        """Hold offered vectors against those of the sample that are of the same documents."""
        known = self._keyed()
        if not known or not texts:
            return
        for row, key in enumerate(text_digests(texts)[:, 0].tolist()):
            own = known.get(key)
            if own is not None and own.text == texts[row]:
                cosine = float(row_cosines(own.vector[None], vectors[row][None])[0])
                comparison.add(own.id, cosine, least)

    def _keyed(self) -> dict[int, SampledDocument]:
        """Without documents that several records have with vectors that differ."""
        if self._by_key is None:
            kept: dict[int, SampledDocument] = {}
            twice = set[int]()
            for document in self._sample.documents():
                key = int(text_digests([document.text])[0, 0])
                if key in kept and not np.allclose(kept[key].vector, document.vector, rtol=1e-3):
                    twice.add(key)
                kept.setdefault(key, document)
            self._by_key = {key: one for key, one in kept.items() if key not in twice}
        return self._by_key
