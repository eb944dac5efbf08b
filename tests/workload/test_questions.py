"""Questions with known answers, on a real server and through a proxy that slows or alters it."""

import json

import numpy as np
import pytest

from chromadrill.checks.latency import every_under, found_themselves
from chromadrill.checks.objectives import p90_under
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Outcome, Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.workload.queries.query_kinds import filtered, gets, searches
from chromadrill.workload.queries.self_queries import distance, own_questions
from chromadrill.workload.queries.timed import Asked, timed
from tests.workload.wrong_answers import other_ids

WAYS = pytest.mark.parametrize("way", [searches, gets, filtered])


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


def measured(asked, rounds):
    answers = Asked()
    return answers.samples([timed(answers, asked[n % len(asked)]) for n in range(rounds)])


@WAYS
def test_healthy_server_answers_every_question_right(chroma, way):
    own = own_questions(chroma, [Scope()], 20)
    samples = measured(way(chroma, own.info, own.right), 40)

    assert (own.tried, len(own.right), own.missed) == (20, 20, ())
    assert (len(samples.milliseconds), samples.errors) == (40, ())


@WAYS
def test_fast_wrong_answer_is_an_error_and_fails(chroma, proxy, way):
    own = own_questions(chroma, [Scope()], 20)
    asked = way(chroma, own.info, own.right)
    proxy.path_ends, proxy.alter = ("/query", "/get"), other_ids
    samples = measured(asked, 20)

    assert samples.milliseconds == ()
    assert "wrong answer" in samples.errors[0]
    assert p90_under(samples, 500, at_least=20).outcome is Outcome.FAIL
    assert every_under("every search", samples, 2000, at_least=20).outcome is Outcome.FAIL


def test_answer_that_ignores_the_filter_is_wrong(chroma):
    own = own_questions(chroma, [Scope()], 5)
    question = filtered(chroma, own.info, own.right)[0]
    raw = question.call()
    raw["metadatas"][0][-1] = {"even": None, "n": -1}

    assert question.wrong(question.call()) == ""
    assert "not those filtered for" in question.wrong(raw)


def test_answer_in_another_form_is_wrong_and_no_crash(chroma, proxy):
    own = own_questions(chroma, [Scope()], 5)
    proxy.alter = lambda data: b"{}"
    samples = measured(searches(chroma, own.info, own.right), 3)
    assert "not the form of an answer" in samples.errors[0]


def test_slow_server_fails_its_p90(chroma, proxy):
    own = own_questions(chroma, [Scope()], 5)
    proxy.delay_ms = 60
    samples = measured(searches(chroma, own.info, own.right), 20)

    assert min(samples.milliseconds) >= 60
    assert p90_under(samples, 50, at_least=20).outcome is Outcome.FAIL
    assert p90_under(samples, 500, at_least=21).outcome is Outcome.UNKNOWN


def test_server_that_is_wrong_from_the_start_misses_its_records(chroma, proxy):
    proxy.alter = other_ids
    own = own_questions(chroma, [Scope()], 10)

    assert own.right == ()
    assert len(own.missed) == 10
    said = found_themselves(own.tried, len(own.right), own.missed)
    assert said.outcome is Outcome.FAIL


def test_records_with_other_words_or_wrong_now_and_then_are_missed(chroma, proxy):
    def reversed_ids(data):
        raw = json.loads(data)
        return json.dumps(raw | {"ids": [row[::-1] for row in raw["ids"]]}).encode()

    proxy.alter = reversed_ids
    own = own_questions(chroma, [Scope()], 10)
    assert (own.right, len(own.missed)) == ((), 10)

    def every_third(data):
        return other_ids(data) if proxy.requests.count("POST query") % 3 == 0 else data

    proxy.alter = every_third
    proxy.requests.clear()
    own = own_questions(chroma, [Scope()], 30)
    assert (len(own.right), len(own.missed)) == (20, 10)


def test_records_hidden_by_equal_vectors_are_not_missed(chroma):
    info = chroma.create_collection(Scope(), "equal")
    same = np.ones((40, 8), np.float32)
    chroma.upsert(info, ids=[f"e{n}" for n in range(40)], vectors=same, documents=["same"] * 40)
    try:
        own = own_questions(chroma, [Scope()], 40)
    finally:
        chroma.delete_collection(Scope(), "equal")

    assert own.info.name == "equal"
    assert own.missed == ()
    assert 1 <= len(own.right) < 40


def test_nothing_to_ask_is_no_question(chroma):
    assert own_questions(chroma, [], 10).info is None


def test_two_calls_without_answer_end_a_measurement(proxy, server):
    with Chroma(proxy.url, timeout_s=0.3) as chroma:
        own = own_questions(chroma, [Scope()], 3)
        asked, answers = searches(chroma, own.info, own.right), Asked()
        proxy.delay_ms = 600
        answers.ask(asked[0])
        assert not answers.hangs
        answers.ask(asked[1])
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
    mine = [distance(space, vectors[0], vectors["abcde".index(i)]) for i in raw["ids"][0]]
    np.testing.assert_allclose(raw["distances"][0], mine, atol=1e-5)
