"""The sound vectors of a damaged store, by which those of a lender are measured."""

import numpy as np

from chromadrill.recovery.substitutes.own_sample import Comparison, OwnSample


def test_vector_of_zeros_is_no_measure_and_any_other_is():
    ids, texts = ["a", "b"], ["one", "two"]
    vectors = np.array([[0, 0, 0], [1, 2, 3]], np.float32)
    sample, comparison = OwnSample(), Comparison()
    sample.offer(ids, texts, vectors)
    sample.compare(comparison, texts, vectors, 0.9999)
    assert (comparison.compared, comparison.wrong) == (1, [])
    sample.compare(comparison, texts, vectors * 0, 0.9999)
    assert comparison.wrong == ["b"]
