"""The answers of a right server: exact whatever the shape of the pages, and the size of the numbers."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chromadrill.chroma.fingerprint import grader
from chromadrill.chroma.fingerprint.filters import MetadataColumns
from chromadrill.chroma.fingerprint.grader import Grader, finite_rows
from chromadrill.chroma.fingerprint.id_sets import set_digest
from chromadrill.chroma.fingerprint.nearest import NEIGHBOURS, NearestNeighbours, distances
from chromadrill.chroma.fingerprint.reference_queries import ReferenceQuery
from chromadrill.core.model import Page

SPACES = ("l2", "cosine", "ip")
WORDS = ("alpha", "beta", "gamma", "delta", "word\0hidden", "")


def brute_force(query, vectors, space):
    exact = distances(query[None, :], vectors, space)[0]
    order = np.argsort(exact, kind="stable")[:NEIGHBOURS]
    return exact[order], [f"r{row}" for row in order]


def in_pages(near, vectors, keep, size):
    ids = [f"r{row}" for row in range(len(vectors))]
    for start in range(0, len(vectors), size):
        part = slice(start, start + size)
        near.read(ids[part], vectors[part], keep[:, part])


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("scale", [1e-20, 1e-8, 1.0, 1e8, 1e19, 1e30])
@pytest.mark.parametrize("size", [7, 100, 1000])
def test_neighbours_are_those_of_float64_whatever_the_size_of_the_numbers(space, scale, size):
    rng = np.random.default_rng(3)
    vectors = (rng.normal(size=(500, 24)) * scale).astype(np.float32)
    vectors[100:130] = vectors[100]  # thirty at one place
    vectors[200:400] = vectors[200] * (
        1 + rng.normal(size=(200, 1)) * 1e-6
    )  # nearer than float32 sees
    queries = np.concatenate([vectors[[0, 100, 200]], vectors[[300]] * np.float32(1.5)])
    near = NearestNeighbours(queries, space)
    in_pages(near, vectors, np.ones((4, 500), bool), size)
    # sums in another order: as near as float64 is, to numbers of that size
    square = 1.0 if space == "cosine" else 1 + float((vectors.astype(np.float64) ** 2).sum(1).max())
    for row, query in enumerate(queries):
        wanted, _ = brute_force(query, vectors, space)
        np.testing.assert_allclose(near.value(row)[0], wanted, rtol=0, atol=1e-13 * square)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("damage", [np.nan, np.inf, 0.0, 1e38])
def test_one_damaged_vector_hides_no_neighbour_of_the_others(space, damage):
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(300, 16)).astype(np.float32)
    vectors[150] = damage
    keep = np.ones((1, 300), bool)
    keep[0, 150] = np.isfinite(damage)
    near = NearestNeighbours(vectors[:1], space)
    in_pages(near, vectors, keep, 64)
    sound = vectors[keep[0]]
    np.testing.assert_allclose(
        near.value(0)[0], brute_force(vectors[0], sound, space)[0], rtol=1e-12
    )


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e18, 1e20, 1e30])
def test_query_of_another_length_than_all_records_has_its_ten_neighbours(space, scale):
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(500, 16)).astype(np.float32)
    queries = np.stack([vectors[7] * np.float32(scale), vectors[8]])
    near = NearestNeighbours(queries, space)
    in_pages(near, vectors, np.ones((2, 500), bool), 100)
    for row, query in enumerate(queries):
        wanted, _ = brute_force(query, vectors, space)
        np.testing.assert_allclose(near.value(row)[0], wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("space", SPACES)
def test_who_is_not_to_be_a_neighbour_is_none(space):
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    keep = np.zeros((2, 200), bool)
    keep[0, ::50] = True
    near = NearestNeighbours(vectors[:2], space)
    in_pages(near, vectors, keep, 60)
    assert sorted(near.value(0)[1]) == ["r0", "r100", "r150", "r50"]
    assert near.value(1)[1] == []


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([-1.5, 0.0, 1.0, 1.5, 2.0]),
    st.sampled_from(["a", "b", "1", ""]),
    st.lists(st.integers(0, 2), max_size=2),
)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([-1.5, 0.0, 1.0, 1.5, 2.0]))
CONDITION = st.one_of(
    st.one_of(st.booleans(), NUMBERS, st.sampled_from(["a", "1"])),
    st.builds(
        lambda op, limit: {op: limit}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), NUMBERS
    ),
    st.builds(
        lambda items: {"$in": items}, st.lists(st.sampled_from(["a", "b", 1, 1.0]), max_size=3)
    ),
    st.builds(lambda item: {"$ne": item}, st.sampled_from(["a", 1, 1.0, True])),
)


def passes(wanted, value):
    """The server's rule for one value, the slow way."""
    if not isinstance(wanted, dict):
        return type(value) is type(wanted) and value == wanted
    ((operator, limit),) = wanted.items()
    if operator == "$in":
        return any(passes(item, value) for item in limit)
    if operator == "$ne":
        return not passes(limit, value)
    if type(value) not in (int, float):
        return False
    limit = int(limit) if type(value) is int else limit
    return {
        "$gt": value > limit, "$gte": value >= limit, "$lt": value < limit, "$lte": value <= limit,
    }[operator]  # fmt: skip


@given(st.lists(st.one_of(st.none(), st.fixed_dictionaries({"k": VALUES}))), CONDITION, CONDITION)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_filters_on_columns_are_those_on_single_records(metadatas, one, other):
    columns = MetadataColumns(metadatas)
    for where, parts in (
        ({"k": one}, [one]),
        ({"$and": [{"k": one}, {"k": other}]}, [one, other]),
    ):
        wanted = [
            all(passes(part, (metadata or {}).get("k")) for part in parts) for metadata in metadatas
        ]
        assert columns.mask(where).tolist() == wanted


def records(count=120):
    rng = np.random.default_rng(6)
    return Page(
        ids=[f"id-{row}" for row in range(count)],
        documents=[None if row % 7 == 0 else f"{WORDS[row % 6]} {row}" for row in range(count)],
        metadatas=[None if row % 5 == 0 else {"n": row} for row in range(count)],
        uris=[None] * count,
        vectors=rng.normal(size=(count, 6)).astype(np.float32),
        without_vector=(3, 90),
    )


def cut(page, start, stop):
    return Page(
        page.ids[start:stop],
        page.documents[start:stop],
        page.metadatas[start:stop],
        page.uris[start:stop],
        page.vectors[start:stop],
        tuple(row - start for row in page.without_vector if start <= row < stop),
    )


def graded(page, size):
    questions = [
        ReferenceQuery("neighbours", {"id": "id-1"}, vector=page.vectors[1]),
        ReferenceQuery("filter", {"where": {"n": {"$gte": 60}}}),
        ReferenceQuery("text", {"id": "id-1"}, text="beta"),
        ReferenceQuery("text", {"id": "id-4"}, text="hidden"),
        ReferenceQuery(
            "filtered neighbours", {"where": {"n": {"$lt": 50}}}, vector=page.vectors[2]
        ),
    ]
    result = Grader("l2", questions)
    for start in range(0, len(page.ids), size):
        result.read(cut(page, start, start + size))
    return result


@pytest.mark.parametrize("size", [1, 33, 120])
def test_answers_do_not_depend_on_the_size_of_the_pages(size, monkeypatch):
    monkeypatch.setattr(grader, "SELF_RECALL_MAX", 20)
    page = records()
    one, other = graded(page, 1000), graded(page, size)
    assert [answer.question for answer in one.answers()] == [a.question for a in other.answers()]
    for was, now in zip(one.answers(), other.answers(), strict=True):
        if "neighbours" in was.kind:
            assert [record for record, _ in was.expected] == [record for record, _ in now.expected]
        else:
            assert was.expected == now.expected
    ids, vectors = other.selves()
    assert ids == one.selves()[0]
    assert len(ids) == 20
    assert not {"id-3", "id-90"} & {*ids}, "a record without a vector cannot find itself"
    rows = [page.ids.index(record) for record in ids]
    np.testing.assert_array_equal(vectors, page.vectors[rows])


def test_a_right_server_finds_what_the_words_and_numbers_say():
    page = records()
    _, numbers, words, hidden, near = graded(page, 50).answers()
    ids = [record for record, m in zip(page.ids, page.metadatas, strict=True) if m and m["n"] >= 60]
    assert list(numbers.expected) == set_digest(ids)
    ids = [r for r, d in zip(page.ids, page.documents, strict=True) if d and "beta" in d]
    assert list(words.expected) == set_digest(ids)
    assert hidden.expected[0] == 0, "SQLite compares text up to its first NUL"
    allowed = {r for r, m in zip(page.ids, page.metadatas, strict=True) if m and m["n"] < 50}
    assert {record for record, _ in near.expected} <= allowed - {"id-3"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_found(value):
    vectors = np.full((5, 3), 1e38, np.float32)
    assert finite_rows(vectors).all(), "a sum beyond float32 is no damage"
    vectors[2, 1] = value
    assert finite_rows(vectors).tolist() == [True, True, False, True, True]


def test_an_empty_page_changes_nothing():
    page = records()
    result = graded(page, 1000)
    before = result.answers()
    result.read(dataclasses.replace(cut(page, 0, 0), without_vector=()))
    assert result.answers() == before
