"""The answers of a right server, computed over all records, and who has to find itself.

Every page is read once, in flat memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.fingerprint.filters import MetadataColumns
from chromadrill.chroma.fingerprint.id_sets import IdSet, id_hashes
from chromadrill.chroma.fingerprint.nearest import NearestNeighbours
from chromadrill.chroma.fingerprint.reference_queries import ReferenceQuery, before_nul
from chromadrill.core.model import Answer, Page

SELF_RECALL_MAX = 5000  # records asked to find themselves; all, where a collection has fewer


class Grader:
    """The exact answers of `questions`, and a sample of records for self-recall, from all pages.

    `space` is the collection's metric. Peak memory: the questions, and at most twice SELF_RECALL_MAX
    vectors; none of those without a server that could be asked for them (`has_server`).
    """

    def __init__(
        self, space: str, questions: Sequence[ReferenceQuery], *, has_server: bool = True
    ) -> None:
        self.questions = list(questions)
        # texts of alike documents are the same ones: each is looked for once
        self._sets = {query.asked: (query, IdSet()) for query in questions if query.vector is None}
        self._near = [n for n, query in enumerate(questions) if query.vector is not None]
        vectors = [query.vector for query in questions if query.vector is not None]
        self._nearest = NearestNeighbours(np.array(vectors, np.float32), space)
        self._selves = _Selves()
        self._has_server = has_server

    def read(self, page: Page) -> None:
        """Take in the next page of records; every record must come once."""
        if not page.ids:
            return
        hashes, columns = id_hashes(page.ids), MetadataColumns(page.metadatas)
        texts = _Texts(page.documents)
        for query, id_set in self._sets.values():
            is_filter = query.kind == "filter"
            mask = columns.mask(query.stored["where"]) if is_filter else texts.mask(query.text)
            id_set.add(hashes[mask])
        if page.vectors.shape[1]:
            usable = finite_rows(page.vectors)
            usable[list(page.without_vector)] = False
            keep = np.tile(usable, (len(self._near), 1))
            for row, number in enumerate(self._near):
                if where := self.questions[number].stored.get("where"):
                    keep[row] &= columns.mask(where)
            self._nearest.read(page.ids, page.vectors, keep)
            if self._has_server:
                self._selves.read(page, hashes, usable)

    def selves(self) -> tuple[list[str], np.ndarray]:
        """Return ids and vectors, float32 (n, dimension), of the records that have to find themselves.

        They are those whose ids have the lowest hashes: the same records in every copy.
        """
        return self._selves.value()

    def answers(self) -> list[Answer]:
        """Return the questions with the answers of a right server; `answered` is still None."""
        expected: dict[int, tuple[object, ...]] = {
            number: tuple(self._sets[query.asked][1].value())
            for number, query in enumerate(self.questions)
            if query.vector is None
        }
        for row, number in enumerate(self._near):
            values, ids = self._nearest.value(row)
            expected[number] = tuple([i, float(v)] for i, v in zip(ids, values, strict=True))
        rounding = {number: self._nearest.rounding(row) for row, number in enumerate(self._near)}
        return [
            Answer(query.kind, query.stored, expected[number], rounding=rounding.get(number, ()))
            for number, query in enumerate(self.questions)
        ]


class EarlierGrader(Grader):
    """A Grader that reads a sample of the records: its answers are the `earlier` ones over them all.

    A question that was not asked then is not asked.
    """

    def __init__(
        self, space: str, questions: Sequence[ReferenceQuery], earlier: Sequence[Answer]
    ) -> None:
        known = {answer.name: answer for answer in earlier}
        pairs = [(one, known.get(f"{one.kind} {one.stored}")) for one in questions]
        self._earlier = [
            dataclasses.replace(answer, answered=None, read_error=None)
            for _, answer in pairs
            if answer is not None
        ]
        super().__init__(space, [one for one, answer in pairs if answer is not None])

    def answers(self) -> list[Answer]:
        """Return the questions with the answers of a right server; `answered` is still None."""
        return self._earlier


def finite_rows(vectors: np.ndarray) -> np.ndarray:
    """Return which rows hold neither NaN nor infinity, bool (n,)."""
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
    rows: np.ndarray = np.isfinite(squares)  # one number that is not makes the sum none either
    odd = np.flatnonzero(~rows)  # or the squares are beyond float32
    rows[odd] = np.isfinite(vectors[odd]).all(axis=1)
    return rows


class _Texts:
    """The documents of a page, searched for one text after the other."""

    def __init__(self, documents: Sequence[str | None]) -> None:
        texts = [document or "" for document in documents]
        if "\0" in "".join(texts):
            texts = [before_nul(text) for text in texts]
        self._texts = texts
        self._whole = "\0".join(texts)  # no text holds one

    def mask(self, text: str | None) -> np.ndarray:
        """Return which documents hold the text, bool (n,)."""
        needle = text or ""
        if needle not in self._whole:  # most texts are in one page alone
            return np.zeros(len(self._texts), bool)
        return np.array([needle in text for text in self._texts], bool)


class LowestHashes:
    """The ids with the `most` lowest hashes: the same ones in every copy of a collection."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ranks = np.empty(0, np.uint64)
        self._ids: list[str] = []

    def add(self, ids: Sequence[str]) -> None:
        """Take in more ids."""
        self._ranks = np.concatenate([self._ranks, _ranks(id_hashes(ids))])
        self._ids += ids
        order = np.argsort(self._ranks, kind="stable")[: self._most]
        self._ranks, self._ids = self._ranks[order], [self._ids[row] for row in order]

    def ids(self) -> list[str]:
        """Return them, the lowest hash first."""
        return self._ids


def _ranks(hashes: np.ndarray) -> np.ndarray:
    return hashes.byteswap()  # as big-endian numbers: the order of every fingerprint so far


class _Selves:
    """The records with the lowest hashes, and their vectors."""

    def __init__(self) -> None:
        self._ranks = np.empty(0, np.uint64)
        self._ids: list[str] = []
        self._vectors: list[np.ndarray] = []
        self._limit = np.iinfo(np.uint64).max

    def read(self, page: Page, hashes: np.ndarray, usable: np.ndarray) -> None:
        ranks = _ranks(hashes)
        rows = np.flatnonzero(usable & (ranks < self._limit))
        self._ranks = np.concatenate([self._ranks, ranks[rows]])
        self._ids += [page.ids[row] for row in rows]
        self._vectors += list(page.vectors[rows])
        if len(self._ids) > 2 * SELF_RECALL_MAX:
            self._trim()

    def _trim(self) -> None:
        order = np.argsort(self._ranks, kind="stable")[:SELF_RECALL_MAX]
        self._ranks = self._ranks[order]
        self._ids = [self._ids[row] for row in order]
        self._vectors = [self._vectors[row].copy() for row in order]  # not the page that it is of
        if len(order) == SELF_RECALL_MAX:
            self._limit = self._ranks[-1]

    def value(self) -> tuple[list[str], np.ndarray]:
        self._trim()
        vectors = np.stack(self._vectors) if self._ids else np.empty((0, 0), np.float32)
        return self._ids, vectors
