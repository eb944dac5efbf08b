"""Ids as 64-bit hashes: sets and maps of millions of ids without an object for each.

Two of a million ids have one hash in one of 37 million stores. The hashes are of this process alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64]
_CHUNK = 1 << 16  # looked at together


def hashes_of(ids: Collection[str | None]) -> Hashes:
    """Return the hash of each id, in their order."""
    return np.fromiter(map(hash, ids), np.int64, len(ids))


def count_missing(values: npt.NDArray[Any], among: npt.NDArray[Any]) -> int:
    """Return how many distinct values are not among the others."""
    if not len(values) or not len(among):
        return len(distinct(values))
    if not (among[1:] >= among[:-1]).all():
        among = np.sort(among)
    missing = [values[:0]]
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        places = np.minimum(np.searchsorted(among, part), len(among) - 1)
        missing.append(part[among[places] != part])
    return len(distinct(np.concatenate(missing)))


def distinct(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the distinct values in order. numpy's own way is four times slower."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def narrow(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return numbers in four bytes each, where all of them are of 0 and more and fit."""
    fits = numbers.min(initial=0) >= 0 and numbers.max(initial=0) < 2**32
    return numbers.astype(np.uint32) if fits else numbers


class IdMap:
    """A map of ids to numbers of 0 and more. `hashes` are sorted, `numbers` belong to them."""

    def __init__(self, hashes: Hashes, numbers: Numbers) -> None:
        order = np.argsort(hashes, kind="stable")
        self.hashes, self.numbers = hashes[order], narrow(numbers)[order]

    def __len__(self) -> int:
        return len(self.hashes)

    def __contains__(self, id_: object) -> bool:
        return bool(self.numbers_of(np.array([hash(id_)]))[0] >= 0)

    @property
    def is_ambiguous(self) -> bool:
        """Whether an id, or a hash, is there twice."""
        return bool((self.hashes[1:] == self.hashes[:-1]).any())

    def numbers_of(self, hashes: Hashes) -> Numbers:
        """Return the number of each id, -1 of an unknown one."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, np.int64)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        numbers = self.numbers[places].astype(np.int64)
        return np.where(self.hashes[places] == hashes, numbers, -1)
