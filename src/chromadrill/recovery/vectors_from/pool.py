"""The vectors that a rebuild may take over, by their documents; memory holds 12 bytes for each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chromadrill.embedding.likeness import row_cosines
from chromadrill.recovery.text_digests import Digests, text_digests
from chromadrill.recovery.vectors_from.vector_file import Places, VectorFile

NONE, REFUSED = -1, -2  # of a place: no vector is known; there are two that contradict each other
UNIT = 1e-3  # of a length of 1: noise that shows in no length moves a direction by less than 0.0001
_CHUNK = 2048

Vectors = npt.NDArray[np.float32]


class VectorPool:
    """First the documents that are wanted, then lenders one after the other, then what was found.

    The documents are known by 8 bytes of their digest each, in order; 4 more say where the vector lies.
    The other 8 bytes of the digest lie beside the vector, and confirm it. No order of the rows is
    relied upon: PostgreSQL gives them in another one the next time. `least_cosine`: of two vectors of
    one document; below, they contradict each other.
    """

    def __init__(self, dimension: int, least_cosine: float = 0.9999) -> None:
        self._least = least_cosine
        self._parts: list[npt.NDArray[np.uint64]] = []
        self._wanted: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._places: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._file = VectorFile(dimension)

    def want(self, texts: Sequence[str]) -> None:
        """Take in documents of the source. All of them come before the first lender."""
        self._parts.append(text_digests(texts)[:, 0])

    def begin_loan(self) -> Candidates:
        """What a lender has is put in there, and is not found here before `take` was called."""
        if self._parts:
            self._wanted = np.unique(np.concatenate(self._parts))
            self._places = np.full(len(self._wanted), NONE, np.int32)
            self._parts = []
        return Candidates(self._wanted, self._file, self._least)

    def take(self, loan: Candidates) -> int:
        """Add a lender's vectors; the first lender of a document keeps it.

        Returns how many documents are left out because two lenders contradict each other.
        """
        new = (self._places == NONE) & (loan.places >= 0)
        self._places[new] = loan.places[new]
        both = np.flatnonzero((self._places >= 0) & (loan.places >= 0) & ~new)
        contradictory = 0
        for start in range(0, len(both), _CHUNK):
            spots = both[start : start + _CHUNK]
            _, ours = self._file.read(self._places[spots].astype(np.int64))
            _, theirs = self._file.read(loan.places[spots].astype(np.int64))
            other = spots[~(row_cosines(ours, theirs) >= self._least)]
            self._places[other] = REFUSED
            contradictory += len(other)
        return contradictory

    @property
    def end(self) -> int:
        """The place of the next vector that is put in."""
        return self._file.rows

    def has(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether each document has a vector here."""
        return self._places_of(text_digests(texts)) >= 0

    def find(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], Vectors, Places]:
        """Return which of `texts` have a vector (their numbers), the vectors, and their places."""
        digests = text_digests(texts)
        places = self._places_of(digests)
        numbers = np.flatnonzero(places >= 0)
        confirms, vectors = self._file.read(places[numbers])
        is_confirmed = confirms == digests[numbers, 1]
        return numbers[is_confirmed], vectors[is_confirmed], places[numbers][is_confirmed]

    def _places_of(self, digests: Digests) -> Places:
        spots = spots_of(self._wanted, digests[:, 0])
        places: Places = np.full(len(spots), NONE, np.int64)
        known = spots >= 0
        places[known] = self._places[spots[known]]
        return places


class Candidates:
    """What one lender has of the wanted documents. `places`: int32, for each of them.

    `first`: its first row in the file. `unusable`, `not_unit` and `contradictory` count the vectors
    that are left out: zero or not finite; of another length than 1; two of them for one document.
    """

    def __init__(
        self, wanted: npt.NDArray[np.uint64], file: VectorFile, least_cosine: float
    ) -> None:
        self._wanted, self._file, self._least = wanted, file, least_cosine
        self.first = file.rows
        self.places = np.full(len(wanted), NONE, np.int32)
        self.unusable = self.not_unit = self.contradictory = 0

    def add(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[int, int]]:
        """Put in the vectors of documents that are wanted.

        Returns the number of each such text, and the digest that it is looked up by.
        """
        digests = text_digests(texts)
        spots = spots_of(self._wanted, digests[:, 0])
        is_usable = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
        self.unusable += int(((spots >= 0) & ~is_usable).sum())
        rows = np.flatnonzero((spots >= 0) & is_usable)
        is_new = self.places[spots[rows]] == NONE
        _, firsts = np.unique(spots[rows[is_new]], return_index=True)
        added: npt.NDArray[np.int64] = rows[is_new][np.sort(firsts)]
        self.places[spots[added]] = np.arange(self._file.rows, self._file.rows + len(added))
        self._file.append(digests[added, 1], vectors[added])
        again = np.setdiff1d(rows, added)
        self._compare(spots[again], vectors[again])
        return list(zip(added.tolist(), digests[added, 0].tolist(), strict=True))

    def keep_unit_length(self) -> None:
        """Leave out every vector whose length is not 1: the model makes none of them."""
        spot_of = np.full(self._file.rows - self.first, -1, np.int64)
        known = np.flatnonzero(self.places >= 0)
        spot_of[self.places[known] - self.first] = known
        for start, vectors in self._file.chunks(self.first, self._file.rows):
            with np.errstate(all="ignore"):
                lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
            other = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT)) + start - self.first
            spots = spot_of[other]
            self.places[spots[spots >= 0]] = NONE
            self.not_unit += int((spots >= 0).sum())

    def has(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether each document still has a vector here."""
        spots = spots_of(self._wanted, text_digests(texts)[:, 0])
        has: npt.NDArray[np.bool_] = (spots >= 0) & (self.places[np.maximum(spots, 0)] >= 0)
        return has

    def drop(self) -> None:
        """Forget all that was put in."""
        self._file.forget_from(self.first)
        self.places[:] = NONE

    def __len__(self) -> int:
        return int((self.places >= 0).sum())

    def _compare(self, spots: npt.NDArray[np.int64], vectors: Vectors) -> None:
        known = self.places[spots] >= 0
        spots, vectors = spots[known], vectors[known]
        _, stored = self._file.read(self.places[spots].astype(np.int64))
        other = np.unique(spots[~(row_cosines(stored, vectors) >= self._least)])
        self.places[other] = REFUSED
        self.contradictory += len(other)


def spots_of(wanted: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]) -> Places:
    """Where each key is in the sorted `wanted`, -1 where it is not."""
    if not len(wanted):
        return np.full(len(keys), -1, np.int64)
    spots = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    return np.where(wanted[spots] == keys, spots, -1).astype(np.int64)
