"""Take vectors of lenders into the pool: each lender is proven by a sample before it is believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.core.errors import Refused
from chromadrill.core.progress import Advance
from chromadrill.core.protocols import Model
from chromadrill.embedding.identity import describe, describe_named, names_same_model
from chromadrill.embedding.likeness import row_cosines
from chromadrill.recovery.vectors_from.lender import (
    CONTRADICTORY,
    NOT_UNIT,
    UNUSABLE,
    Lender,
    Loan,
)
from chromadrill.recovery.vectors_from.pool import UNIT, Candidates, VectorPool
from chromadrill.recovery.vectors_from.sample import BESIDE_SUSPECTS, SIZE, Sample, SampledDocument
from chromadrill.recovery.vectors_from.suspicion import Suspicion

ANOTHER = "Leave it out, or name another place: --vectors-from X."


def borrow(
    pool: VectorPool,
    lender: Lender,
    model: Model,
    *,
    batch_size: int,
    least_cosine: float,
    advance: Advance,
) -> Loan:
    """Read a lender once, embed a sample of what it has again, and let the pool have it.

    Raises Refused, with the lender named, where its vectors are another model's or another document's.
    """
    if another := _of_another_model(lender, model):
        if lender.is_named:
            raise Refused(
                f"--vectors-from {lender.name}: {another}. Nothing was touched.", next_step=ANOTHER
            )
        return Loan(lender.name, notes=[*lender.notes, another])
    candidates, sample = pool.begin_loan(), Sample()
    suspicion = Suspicion(min(lender.records, len(candidates.places)))
    loan = Loan(lender.name, notes=lender.notes)
    for page in lender.read():
        loan.records += len(page.ids)
        lost = set(page.without_vector)
        rows = [
            row for row, text in enumerate(page.documents) if text is not None and row not in lost
        ]
        texts, vectors = [page.documents[row] or "" for row in rows], page.vectors[rows]
        if rows and vectors.shape[1] == model.dimension:
            for number, key in candidates.add(texts, vectors):
                if sample.wants(key) or suspicion.wants(key):
                    document = SampledDocument(
                        page.ids[rows[number]], texts[number], vectors[number].copy()
                    )
                    sample.offer(document, key)
                    suspicion.offer(document, key)
        suspicion.judge()
        advance(len(page.ids))
    suspects = suspicion.worst()
    suspected = {document.id for document in suspects}
    others = [document for document in sample.documents() if document.id not in suspected]
    by_chance = others[: BESIDE_SUSPECTS if suspects else SIZE]
    _prove(candidates, [*suspects, *by_chance], model, loan, batch_size, least_cosine)
    loan.offered = len(candidates)
    contradictory = candidates.contradictory + pool.take(candidates)
    loan.left_out = {
        UNUSABLE: candidates.unusable,
        NOT_UNIT: candidates.not_unit,
        CONTRADICTORY: contradictory,
    }
    return loan


def _of_another_model(lender: Lender, model: Model) -> str:
    """Why its vectors cannot be the model's, by what it says of itself; "" where they can."""
    metadata, dimension = lender.info.metadata, lender.info.dimension
    if names_same_model(metadata, model) is False:
        return f"it was embedded by {describe_named(metadata)}, not by {describe(model)}"
    if dimension not in (None, model.dimension):
        return f"it has {dimension} dimensions, {describe(model)} makes {model.dimension}"
    return ""


def _prove(
    candidates: Candidates,
    sample: Sequence[SampledDocument],
    model: Model,
    loan: Loan,
    batch_size: int,
    least_cosine: float,
) -> None:
    if not sample:
        return
    fresh = _embed(model, [document.text for document in sample], batch_size)
    if (np.abs(np.linalg.norm(fresh, axis=1) - 1) <= UNIT).all():
        candidates.keep_unit_length()
    has = candidates.has([document.text for document in sample])
    kept = np.flatnonzero(has).tolist()
    if not kept:
        return
    same = row_cosines(np.stack([sample[row].vector for row in kept]), fresh[kept])
    loan.sampled, loan.least_cosine = len(kept), round(float(np.nanmin(same)), 7)
    wrong = [
        sample[row].id for row, cosine in zip(kept, same, strict=True) if not cosine >= least_cosine
    ]
    if wrong:
        candidates.drop()
        raise Refused(
            f"--vectors-from {loan.lender}: {len(wrong)} of {len(kept)} sampled vectors are not what"
            f" {describe(model)} makes of their documents (lowest cosine {loan.least_cosine:.4f}):"
            f" {', '.join(wrong[:5])}. Nothing was touched.",
            next_step=f"Its vectors are another model's, or of other documents. {ANOTHER}",
        )


def _embed(model: Model, texts: Sequence[str], batch_size: int) -> np.ndarray:
    parts = [
        model.embed(texts[start : start + batch_size]) for start in range(0, len(texts), batch_size)
    ]
    return np.concatenate(parts)
