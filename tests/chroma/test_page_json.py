"""A page of records is what orjson and numpy would read of it, bit for bit."""

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chromadrill.chroma import page_json
from chromadrill.chroma.api_values import to_page

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
TRICKY = (
    "embeddings",
    '],"embeddings":[[1.0]],',
    '"],"embeddings":[["',
    "\\",
    '\\"',
    "[[0.1,0.2]]",
    "",
)


def answer(vectors, ids=None, **changes):
    """As a server of 1.5.9 writes it: this order of keys, float32 in its shortest digits."""
    count = len(vectors)
    return orjson.dumps(
        {
            "ids": ids or [f"r{n}" for n in range(count)],
            "embeddings": vectors,
            "documents": [None] * count,
            "uris": [None] * count,
            "metadatas": [{"embeddings": "x", '],"embeddings":[[': 1}] * count,
            "include": ["embeddings"],
            **changes,
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2), elements=FLOATS))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_float32_comes_back_bit_for_bit(vectors):
    value = page_json.loads(answer(vectors))
    assert isinstance(value["embeddings"], np.ndarray), "the quick way was not taken"
    assert value["embeddings"].dtype == np.float32
    assert value["embeddings"].flags.c_contiguous, "orjson writes no other"
    np.testing.assert_array_equal(value["embeddings"], vectors)
    np.testing.assert_array_equal(np.signbit(value["embeddings"]), np.signbit(vectors))


@pytest.mark.parametrize("name", TRICKY)
def test_no_id_is_taken_for_the_vectors(name):
    content = answer(np.ones((3, 2), np.float32), ids=[name, "b", name + "c"])
    value = page_json.loads(content)
    assert isinstance(value.pop("embeddings"), np.ndarray)
    plain = orjson.loads(content)
    del plain["embeddings"]
    assert value == plain


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[1.0, 2.0], None],
        [None, None],
        [[1.0, None], [3.0, 4.0]],
        [[1.0, 2.0], [3.0]],
        [[1.0], [2.0, 3.0], [4.0, 5.0, 6.0]],
        [[], []],
        [["a", "b"], ["c", "d"]],
        [[[1.0]], [[2.0]]],
        [[1.0, 2.0, 3.0, 4.0]],
        [[1, -2], [3e5, 4e-40]],
        None,
    ],
    ids=range(12),
)
def test_an_answer_of_another_shape_is_left_to_orjson(rows):
    content = answer([[0.0]] * len(rows or []), embeddings=rows)
    value, plain = page_json.loads(content), orjson.loads(content)
    if isinstance(value["embeddings"], np.ndarray):
        value["embeddings"] = value["embeddings"].tolist()
        plain["embeddings"] = np.asarray(plain["embeddings"], np.float32).tolist()
    assert value == plain


@pytest.mark.parametrize("cut", [1, 20, 60, 100, 150])
def test_an_answer_that_is_cut_is_no_json(cut):
    with pytest.raises(orjson.JSONDecodeError):
        page_json.loads(answer(np.ones((4, 4), np.float32))[:-cut])


def test_rows_that_swap_numbers_are_seen():
    """As many numbers as there should be, in rows of another length."""
    content = answer([[1.0, 2.0], [3.0, 4.0]], embeddings=[[1.0], [2.0, 3.0, 4.0]])
    assert isinstance(page_json.loads(content)["embeddings"], list)
    with pytest.raises(ValueError, match="inhomogeneous"):
        to_page(page_json.loads(content), 2)


def test_another_order_of_keys_is_read_too():
    vectors = [[1.0, 2.0]]
    content = orjson.dumps({"embeddings": vectors, "ids": ["a"], "documents": ["d"]})
    page = to_page(page_json.loads(content), 2)
    assert page.ids == ["a"]
    assert page.vectors.tolist() == vectors
