"""A few swapped vectors among thousands: the line from words to vectors says where to look."""

import numpy as np

from chromadrill.recovery.vectors_from.sample import SampledDocument
from chromadrill.recovery.vectors_from.suspicion import FEWEST, SUSPECTS, Suspicion

WORDS = [f"word{n}" for n in range(400)]
DIMENSION = 64


def documents(count, swapped=0):
    """Texts of words that have a direction each; the vectors of the first ones are swapped."""
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(len(WORDS), DIMENSION))
    chosen = rng.integers(0, len(WORDS), (count, 20))
    vectors = directions[chosen].sum(axis=1) + rng.normal(size=(count, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    if swapped:
        vectors[:swapped] = np.roll(vectors[:swapped], 1, axis=0)
    texts = [" ".join(WORDS[word] for word in row) for row in chosen]
    return [
        SampledDocument(str(n), text, vector.astype(np.float32))
        for n, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]


def worst_of(records, step=500):
    suspicion = Suspicion(len(records))
    for start in range(0, len(records), step):
        for document in records[start : start + step]:
            suspicion.offer(document, 0)
        suspicion.judge()
    return [document.id for document in suspicion.worst()]


def test_swapped_vectors_are_the_first_that_are_looked_at():
    worst = worst_of(documents(3000, swapped=6))
    assert len(worst) == SUSPECTS
    assert {str(n) for n in range(6)} <= set(worst[:10])


def test_few_documents_are_left_to_chance():
    assert worst_of(documents(FEWEST - 1)) == []
    assert len(worst_of(documents(FEWEST))) == SUSPECTS


def test_texts_without_words_and_equal_vectors_are_no_error():
    records = [SampledDocument(str(n), "", np.ones(4, np.float32)) for n in range(FEWEST)]
    assert len(worst_of(records)) == SUSPECTS
