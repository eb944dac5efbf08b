"""Questions with known answers, on a real server and through a proxy that slows or alters it."""

import json

import numpy as np
import pytest

from chromadrill.checks.latency import every_under, finds_own_records
from chromadrill.checks.objectives import p90_under
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Outcome, Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.workload.queries.latency import time_calls
from chromadrill.workload.queries.query_kinds import filtered_searches, gets, searches
from chromadrill.workload.queries.self_queries import distance, self_queries
from chromadrill.workload.queries.timed import TimedAnswers
from tests.workload.wrong_answers import other_ids

KINDS = pytest.mark.parametrize("kind", [searches, gets, filtered_searches])


@pytest.fixture(scope="module")
def proxy(server):
    """A proxy before the module's server."""
    with faulty_proxy(server.url) as running:
        yield running


@pytest.fixture
def chroma(proxy):
    """A client of the proxy, which does nothing yet."""
    with Chroma(proxy.url) as client:
        yield client
    proxy.delay_ms, proxy.alter, proxy.path_ends = 0, bytes, ("/query",)


def measure(chroma, calls, rounds):
    return time_calls(chroma, calls, rounds).samples()


@KINDS
def test_healthy_server_answers_every_question_right(chroma, kind):
    questions = self_queries(chroma, [Scope()], 20)
    samples = measure(chroma, kind(chroma, questions.info, questions.right), 40)

    assert (questions.tried, len(questions.right), questions.missed) == (20, 20, ())
    assert (len(samples.milliseconds), samples.errors) == (40, ())


@KINDS
def test_fast_wrong_answer_is_an_error_and_fails(chroma, proxy, kind):
    questions = self_queries(chroma, [Scope()], 20)
    calls = kind(chroma, questions.info, questions.right)
    proxy.path_ends, proxy.alter = ("/query", "/get"), other_ids
    samples = measure(chroma, calls, 20)

    assert samples.milliseconds == ()
    assert "wrong answer" in samples.errors[0]
    assert p90_under(samples, 500, at_least=20).outcome is Outcome.FAIL
    assert every_under("every search", samples, 2000, at_least=20).outcome is Outcome.FAIL


def test_answer_that_ignores_the_filter_is_wrong(chroma):
    questions = self_queries(chroma, [Scope()], 5)
    question = filtered_searches(chroma, questions.info, questions.right)[0]
    raw = question.call()
    raw["metadatas"][0][-1] = {"even": None, "n": -1}

    assert question.grade(question.call()) == ""
    assert "not those filtered for" in question.grade(raw)


def test_answer_in_another_form_is_wrong_and_no_crash(chroma, proxy):
    questions = self_queries(chroma, [Scope()], 5)
    proxy.alter = lambda data: b"{}"
    samples = measure(chroma, searches(chroma, questions.info, questions.right), 3)
    assert "no answer of Chroma" in samples.errors[0]


@pytest.mark.slow
def test_slow_server_fails_its_p90(chroma, proxy):
    questions = self_queries(chroma, [Scope()], 5)
    proxy.delay_ms = 60
    samples = measure(chroma, searches(chroma, questions.info, questions.right), 20)

    assert min(samples.milliseconds) >= 60
    assert p90_under(samples, 50, at_least=20).outcome is Outcome.FAIL
    assert p90_under(samples, 500, at_least=21).outcome is Outcome.UNKNOWN


def test_server_that_is_wrong_from_the_start_misses_its_records(chroma, proxy):
    proxy.alter = other_ids
    questions = self_queries(chroma, [Scope()], 10)

    assert questions.right == ()
    assert len(questions.missed) == 10
    verdict = finds_own_records(questions.tried, len(questions.right), questions.missed)
    assert verdict.outcome is Outcome.FAIL


def test_records_with_other_words_or_wrong_now_and_then_are_missed(chroma, proxy):
    def reverse_ids(data):
        raw = json.loads(data)
        return json.dumps(raw | {"ids": [row[::-1] for row in raw["ids"]]}).encode()

    proxy.alter = reverse_ids
    questions = self_queries(chroma, [Scope()], 10)
    assert (questions.right, len(questions.missed)) == ((), 10)

    def every_third(data):
        return other_ids(data) if proxy.requests.count("POST query") % 3 == 0 else data

    proxy.alter = every_third
    proxy.requests.clear()
    questions = self_queries(chroma, [Scope()], 30)
    assert (len(questions.right), len(questions.missed)) == (20, 10)


@pytest.mark.slow
def test_records_hidden_by_equal_vectors_are_not_missed(chroma):
    info = chroma.create_collection(Scope(), "equal")
    same = np.ones((40, 8), np.float32)
    chroma.upsert(info, ids=[f"e{n}" for n in range(40)], vectors=same, documents=["same"] * 40)
    try:
        questions = self_queries(chroma, [Scope()], 40)
    finally:
        chroma.delete_collection(Scope(), "equal")

    assert questions.info.name == "equal"
    assert questions.missed == ()
    assert 1 <= len(questions.right) < 40


@pytest.mark.slow
def test_record_that_an_approximate_index_does_not_reach_is_not_lost(chroma, proxy):
    # an index is built in parallel, another each time: of 200 some 14 are not reached
    poor = {"max_neighbors": 24, "ef_construction": 16, "ef_search": 10}
    info = chroma.create_collection(Scope(), "poor", hnsw=poor)
    vectors = np.random.default_rng(1).normal(size=(2000, 256)).astype(np.float32)
    for start in range(0, 2000, 500):
        rows = slice(start, start + 500)
        ids = [f"r{n}" for n in range(2000)][rows]
        chroma.upsert(info, ids=ids, vectors=vectors[rows])
    try:
        questions = self_queries(chroma, [Scope()], 200)
        proxy.alter = other_ids
        altered = self_queries(chroma, [Scope()], 200)
    finally:
        proxy.alter = bytes
        chroma.delete_collection(Scope(), "poor")

    assert len(questions.missed) <= 3  # to those no way leads at all
    assert questions.unreached
    verdict = finds_own_records(
        200, len(questions.right), questions.missed, unreached=len(questions.unreached)
    )
    assert verdict.outcome is Outcome.PASS
    assert "its search does not reach them" in verdict.message
    assert (altered.right, altered.unreached) == ((), ())


@pytest.mark.slow
def test_by_inner_product_a_question_is_about_its_nearest_record(chroma, proxy):
    info = chroma.create_collection(Scope(), "lengths", hnsw={"space": "ip"})
    lengths = np.random.default_rng(1).permutation(1200) + 1
    chroma.upsert(
        info,
        ids=[f"r{length}" for length in lengths],
        vectors=np.array([[length, 1.0] for length in lengths], np.float32),
        documents=[f"length {length}" for length in lengths],
    )
    try:
        questions = self_queries(chroma, [Scope()], 30)
        assert (len(questions.right) + len(questions.unreached), questions.missed) == (30, ())
        assert len(questions.right) > 20
        proxy.alter = other_ids
        assert len(self_queries(chroma, [Scope()], 30).missed) == 30
    finally:
        chroma.delete_collection(Scope(), "lengths")


def test_nothing_to_ask_is_no_question(chroma):
    assert self_queries(chroma, [], 10).info is None


@pytest.mark.slow
def test_two_calls_without_answer_end_a_measurement(proxy, chroma):
    questions = self_queries(chroma, [Scope()], 3)
    with Chroma(proxy.url, timeout_s=0.3) as impatient:
        calls, answers = searches(impatient, questions.info, questions.right), TimedAnswers()
        proxy.delay_ms = 600
        answers.ask(calls[0])
        assert not answers.hangs
        answers.ask(calls[1])
    proxy.delay_ms = 0
    assert answers.hangs
    assert "no answer within" in answers.samples([]).errors[0]


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
def test_distances_are_those_of_the_server(server, space):
    with Chroma(server.url) as chroma:
        info = chroma.create_collection(Scope(), f"d-{space}", hnsw={"space": space})
        vectors = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
        chroma.upsert(info, ids=list("abcde"), vectors=vectors)
        raw = chroma.query(info, vectors[:1], n_results=5)
        chroma.delete_collection(Scope(), f"d-{space}")
    computed = [distance(space, vectors[0], vectors["abcde".index(i)]) for i in raw["ids"][0]]
    np.testing.assert_allclose(raw["distances"][0], computed, atol=1e-5)
