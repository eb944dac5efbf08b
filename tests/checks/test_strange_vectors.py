"""Whose vector is it: of this model, of another one, or nobody can tell."""

import numpy as np

from chromadrill.checks.same_metadata import same_metadata
from chromadrill.checks.strange_vectors import is_strange

RNG = np.random.default_rng(5)
CENTRES = RNG.normal(size=(10, 384))


def texts(count, centres=CENTRES):
    vectors = centres[np.arange(count) % 10] + 0.7 * RNG.normal(size=(count, centres.shape[1]))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_vector_of_the_field_is_of_this_model_and_one_from_elsewhere_is_not():
    others = texts(50, RNG.normal(size=(10, 384)))
    assert is_strange(texts(50), texts(300)) == [False] * 50
    assert is_strange(others, texts(300)) == [True] * 50


def test_vector_of_another_length_is_strange_where_all_known_ones_have_length_one():
    assert is_strange(3 * texts(2), texts(300)) == [True, True]
    assert is_strange(3 * texts(2), 2 * texts(300)) == [False, False]


def test_nobody_can_tell_where_known_vectors_have_nothing_to_do_with_each_other():
    alone = RNG.normal(size=(300, 384))
    assert is_strange(RNG.normal(size=(4, 384)), alone) == [None] * 4
    assert is_strange(texts(2), np.empty((0, 384))) == [None, None]


def test_metadata_are_the_same_but_for_what_a_server_does_to_floats():
    assert same_metadata('{"f":0.012609939770795497}', '{"f":0.0126099397707955}')
    assert same_metadata('{"f":[0.1,0.2]}', '{"f":[0.1,0.2]}')
    assert not same_metadata('{"f":0.1}', '{"f":0.10000001}')
    assert not same_metadata('{"f":1.0}', '{"f":1}')
    assert not same_metadata('{"f":1.0}', None)
    assert not same_metadata('{"f":0.1,"g":1}', '{"f":0.1}')
    assert not same_metadata('{"f":0.1,"g":true}', '{"f":0.1,"g":1}')
