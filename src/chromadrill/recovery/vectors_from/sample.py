"""A sample of a lender's documents, drawn while it is read: the digests' order is as good as chance."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

SIZE = 64
BESIDE_SUSPECTS = 16  # as many are enough where those that lie worst are looked at as well


@dataclass(frozen=True, slots=True)
class SampledDocument:
    """A record of a lender that is looked at again."""

    id: str
    text: str
    vector: np.ndarray


class Sample:
    """Keeps the documents whose digests are the lowest, SIZE at most."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._lowest: list[tuple[int, int, SampledDocument]] = []  # a heap: the highest comes first
        self._number = 0

    def wants(self, key: int) -> bool:
        """Whether a document of that digest would be kept."""
        return len(self._lowest) < self._size or -key > self._lowest[0][0]

    def offer(self, document: SampledDocument, key: int) -> None:
        """Look at a further document; `key` is its digest."""
        if not self.wants(key):
            return
        self._number += 1  # no two documents are compared by themselves
        entry = (-key, self._number, document)
        if len(self._lowest) < self._size:
            heapq.heappush(self._lowest, entry)
        else:
            heapq.heapreplace(self._lowest, entry)

    def documents(self) -> list[SampledDocument]:
        """Those that were kept, the lowest digest first."""
        return [document for _, _, document in sorted(self._lowest, reverse=True)]
