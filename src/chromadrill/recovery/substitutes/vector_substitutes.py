"""Vectors of lenders, then of an embedder. One that does not agree with the store is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice

import numpy as np
import numpy.typing as npt

from chromadrill.core.errors import Refused
from chromadrill.core.model import CollectionInfo, CollectionPrint
from chromadrill.core.protocols import Model
from chromadrill.embedding.bill import Bill, bill_of
from chromadrill.embedding.canary import canary_of_fingerprint
from chromadrill.embedding.identity import describe, names_same_model
from chromadrill.recovery.salvage.findings import Place
from chromadrill.recovery.salvage.substitution import FoundPage
from chromadrill.recovery.substitutes.own_sample import EMBEDDED, Comparison, OwnSample
from chromadrill.recovery.vectors_from.lender import CONTRADICTORY, UNUSABLE, Lender, Loan
from chromadrill.recovery.vectors_from.pool import VectorPool
from chromadrill.recovery.vectors_from.sample import Sample, SampledDocument

Vectors = npt.NDArray[np.float32]
OpenLenders = Callable[[CollectionInfo], AbstractContextManager[list[Lender]]]
LoadModel = Callable[[CollectionInfo], Model]
_ASKED = 500  # documents whose fingerprint is looked up, where the store has no sound vector


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """What may be taken. `load_model`: also proves a lender where the store itself cannot.

    `agree` is told what embedding will cost, and raises where that is too much.
    """

    open_lenders: OpenLenders
    load_model: LoadModel
    agree: Callable[[Bill], None]
    is_embedding: bool = False
    least_cosine: float = 0.9999
    batch_size: int = 8


class VectorSubstitutes:
    """`loans`: one for each lender of each collection. `bills`: of what was embedded."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._pool: VectorPool | None = None
        self._model: Model | None = None
        self._starts: list[tuple[int, Loan]] = []
        self.loans: list[Loan] = []
        self.bills: list[Bill] = []

    def prepare(
        self, info: CollectionInfo, before: CollectionPrint | None, pages: Iterable[FoundPage]
    ) -> None:
        """Draw the sample of sound vectors, prove the lenders by it, and then the embedder."""
        self._pool, self._model, self._starts = None, None, []
        own, first, documents, characters = OwnSample(), dict[str, str](), 0, 0
        pool = VectorPool(info.dimension or 0, self._sources.least_cosine)
        for found in pages:
            sound, lost = _rows(found)
            texts = found.page.documents
            own.offer(
                [found.page.ids[row] for row in sound],
                [texts[row] or "" for row in sound],
                found.vectors[sound],
            )
            wanted = [texts[row] or "" for row in lost]
            if wanted:
                pool.want(wanted)
            documents += len(wanted)
            characters += sum(map(len, wanted))
            for row in islice(lost, max(0, _ASKED - len(first))):
                first[found.page.ids[row]] = texts[row] or ""
        if not documents or not info.dimension:
            return
        self._pool = pool
        with self._sources.open_lenders(info) as lenders:
            for lender in lenders:
                self._borrow(pool, info, lender, own)
        lent = sum(loan.offered for _, loan in self._starts)
        if self._sources.is_embedding and lent < documents:
            self._prove_model(info, before, own, first)
            rest = documents - lent
            assert self._model is not None  # noqa: S101 - proven just now
            bill = bill_of(self._model, rest, characters * rest // documents)
            self._sources.agree(bill)
            self.bills.append(bill)

    def fill(self, found: FoundPage) -> FoundPage:
        """Lenders come first. A vector of a model that is not finite is left out."""
        _, lost = _rows(found)
        if self._pool is None or not lost:
            return found
        texts = [found.page.documents[row] or "" for row in lost]
        vectors, places = found.vectors.copy(), list(found.places)
        numbers, lent, spots = self._pool.find(texts)
        for number, vector, spot in zip(numbers.tolist(), lent, spots.tolist(), strict=True):
            vectors[lost[number]], places[lost[number]] = vector, Place.LENDER
            next(loan for start, loan in reversed(self._starts) if start <= spot).taken += 1
        rest = sorted(set(range(len(lost))) - set(numbers.tolist()))
        if self._model is not None and rest:
            for number, vector in zip(
                rest, self._embed(self._model, [texts[n] for n in rest]), strict=True
            ):
                if np.isfinite(vector).all() and vector.any():
                    vectors[lost[number]], places[lost[number]] = vector, Place.EMBEDDED
        return found._replace(vectors=vectors, places=places)

    # ---- proofs -------------------------------------------------------------------------------------
    def _borrow(
        self, pool: VectorPool, info: CollectionInfo, lender: Lender, own: OwnSample
    ) -> None:
        candidates, comparison, drawn = pool.begin_loan(), Comparison(), Sample(EMBEDDED)
        loan, least = Loan(lender.name, notes=lender.notes), self._sources.least_cosine
        self._starts.append((pool.end, loan))
        for ids, texts, vectors in _with_documents(lender, loan, info.dimension or 0):
            for number, key in candidates.add(texts, vectors):
                drawn.offer(SampledDocument(ids[number], texts[number], vectors[number]), key)
            own.compare(comparison, texts, vectors, least)
        if len(candidates) and not comparison.compared:
            model = self._sources.load_model(info)
            self._compare(model, comparison, drawn.documents())
        loan.sampled, loan.least_cosine = comparison.compared, round(comparison.lowest, 7)
        if comparison.wrong:
            candidates.drop()
            raise Refused(
                f"--vectors-from {lender.name}: {len(comparison.wrong)} of {comparison.compared} of its"
                f" vectors are not those of {info.key} (lowest cosine {comparison.lowest:.4f}):"
                f" {', '.join(comparison.wrong[:5])}. Nothing was written.",
                next_step="They are another model's. Leave it out, or name another one.",
            )
        loan.offered = len(candidates)
        loan.left_out = {
            UNUSABLE: candidates.unusable,
            CONTRADICTORY: candidates.contradictory + pool.take(candidates),
        }
        self.loans.append(loan)

    def _prove_model(
        self,
        info: CollectionInfo,
        before: CollectionPrint | None,
        own: OwnSample,
        first: dict[str, str],
    ) -> None:
        model, least = self._sources.load_model(info), self._sources.least_cosine
        documents, comparison = own.documents[:EMBEDDED], Comparison()
        if model.dimension not in (None, 0, info.dimension):
            raise _other_model(info, model, f"it makes {model.dimension} dimensions")
        if documents:
            self._compare(model, comparison, documents)
            if comparison.wrong:
                raise _other_model(
                    info,
                    model,
                    f"of {comparison.compared} records with a sound vector {len(comparison.wrong)} get"
                    f" another one (lowest cosine {comparison.lowest:.4f})",
                )
        else:
            canary = canary_of_fingerprint(before, first, model, least) if before else None
            if canary is not None and not canary.is_same(least):
                raise _other_model(info, model, f"by the fingerprint: {canary.sentence()}")
            if canary is None and names_same_model(info.metadata, model) is not True:
                raise _other_model(
                    info,
                    model,
                    "no record has a sound vector, and nothing else says whose they were",
                )
        self._model = model

    def _compare(
        self, model: Model, comparison: Comparison, documents: Sequence[SampledDocument]
    ) -> None:
        """Embed documents again, and hold what comes against the vectors that they have."""
        own = OwnSample()
        for document in documents:
            own.offer([document.id], [document.text], document.vector[None])
        texts = [document.text for document in documents]
        fresh = self._embed(model, texts)
        if documents and fresh.shape[1] != len(documents[0].vector):
            for document in documents:
                comparison.add(document.id, float("nan"), self._sources.least_cosine)
            return
        own.compare(comparison, texts, fresh, self._sources.least_cosine)

    def _embed(self, model: Model, texts: Sequence[str]) -> Vectors:
        size = self._sources.batch_size
        parts = [model.embed(texts[at : at + size]) for at in range(0, len(texts), size)]
        return np.concatenate(parts).astype(np.float32)


def _rows(found: FoundPage) -> tuple[list[int], list[int]]:
    """The rows with a document whose vector is sound, and those whose vector is not."""
    rows = [row for row, text in enumerate(found.page.documents) if text is not None]
    return (
        [row for row in rows if found.places[row].is_sound],
        [row for row in rows if not found.places[row].is_sound],
    )


def _with_documents(
    lender: Lender, loan: Loan, dimension: int
) -> Iterator[tuple[list[str], list[str], Vectors]]:
    """(ids, texts, vectors) of a lender's records that have both and the right width."""
    for page in lender.read():
        loan.records += len(page.ids)
        without = set(page.without_vector)
        rows = [row for row, t in enumerate(page.documents) if t is not None and row not in without]
        if rows and page.vectors.shape[1] == dimension:
            texts = [page.documents[row] or "" for row in rows]
            yield [page.ids[row] for row in rows], texts, page.vectors[rows]


def _other_model(info: CollectionInfo, model: Model, why: str) -> Refused:
    return Refused(
        f"--embed: {describe(model)} is not proven to be the model of {info.key}: {why}."
        " Nothing was written.",
        next_step="Name the embedder: [embedding] function of drill.toml.",
    )
