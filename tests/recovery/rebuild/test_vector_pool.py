"""Vectors by their documents: whatever the order, and none where there are two that differ."""

import numpy as np
import pytest

from chromadrill.recovery.vectors_from.pool import VectorPool
from tests.recovery.rebuild.hash_model import HashModel

MODEL = HashModel()
TEXTS = [f"text {number}" for number in range(3000)]


def pool_of(*loans, wanted=TEXTS):
    """Each loan: texts, and the vectors that a lender has of them."""
    pool = VectorPool(MODEL.dimension)
    for start in range(0, len(wanted), 500):
        pool.want(wanted[start : start + 500])
    contradictory = []
    for texts, vectors in loans:
        candidates = pool.begin_loan()
        for start in range(0, len(texts), 700):
            candidates.add(texts[start : start + 700], vectors[start : start + 700])
        candidates.keep_unit_length()
        contradictory.append(candidates.contradictory + pool.take(candidates))
    return pool, contradictory


def found(pool, texts):
    numbers, vectors, _ = pool.find(texts)
    return {texts[number]: vector for number, vector in zip(numbers.tolist(), vectors, strict=True)}


def test_every_document_gets_its_own_vector_in_whatever_order():
    offered = [*TEXTS[::-1], "not wanted"]
    pool, _ = pool_of((offered, MODEL.embed(offered)), wanted=[*TEXTS, *TEXTS[:10]])
    asked = [*TEXTS[1::7], "never seen", *TEXTS[::5]]
    vectors = found(pool, asked)
    assert set(vectors) == set(asked) - {"never seen"}
    assert all((vector == MODEL.vector(text)).all() for text, vector in vectors.items())
    assert pool.has(["never seen", "not wanted", *TEXTS]).tolist() == [False, False] + [True] * 3000


def test_lenders_that_contradict_each_other_lend_neither_vector():
    vectors = MODEL.embed(TEXTS[:100])
    other = vectors.copy()
    other[40:42] = other[41:39:-1]
    pool, contradictory = pool_of((TEXTS[:100], vectors), (TEXTS[:100], other))
    assert contradictory == [0, 2]
    assert set(found(pool, TEXTS)) == set(TEXTS[:100]) - set(TEXTS[40:42])
    third = pool.begin_loan()
    third.add(TEXTS[40:42], vectors[40:42])
    pool.take(third)  # nobody knows which of them was right
    assert not pool.has(TEXTS[40:42]).any()


@pytest.mark.parametrize("apart", [1, 900], ids=["one page", "two pages"])
def test_lender_that_contradicts_itself_lends_that_document_not(apart):
    texts = [*TEXTS[:apart], TEXTS[0], TEXTS[1], TEXTS[1]]
    vectors = MODEL.embed(texts)
    vectors[apart] = MODEL.vector("another")
    pool, contradictory = pool_of((texts, vectors))
    assert contradictory == [1]
    assert set(found(pool, TEXTS)) == {TEXTS[1], *TEXTS[1:apart]}


def test_vectors_that_cannot_be_the_models_are_left_out():
    vectors = MODEL.embed(TEXTS[:5])
    vectors[0], vectors[1, 3], vectors[2, 0] = 0, np.nan, np.inf
    vectors[3] *= np.float32(1.01)
    pool, _ = pool_of((TEXTS[:5], vectors))
    assert set(found(pool, TEXTS)) == {TEXTS[4]}
