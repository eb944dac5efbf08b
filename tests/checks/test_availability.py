"""What clients saw: windows, downtime and wrong answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.checks.availability import availability, downtime, stays_right, wrong_answers
from chromadrill.checks.objectives import p90_after_restore
from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import ClientView, Outcome, ProbeResult, Samples, Scope, Window
from chromadrill.core.settings import Objectives
from chromadrill.workload import prober
from chromadrill.workload.prober import probe
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.timeline import stable_since, view, windows

RESULTS = ["right", "wrong", "error", "timeout"]


def ticks(*results, every=0.25, late=0.0):
    return [
        ProbeResult(n * every, n * every + 0.05 + late, r, "", late) for n, r in enumerate(results)
    ]


def client_view(*windows_of):
    parts = tuple(Window(*window) for window in windows_of)
    return ClientView(parts[0].begin, parts[-1].end, parts) if parts else ClientView(0, 9, ())


def test_windows_join_equal_results_and_leave_no_gap():
    joined = windows(ticks("right", "right", "error", "error", "right", every=1))
    assert joined == [Window(0, 2, "right"), Window(2, 4, "error"), Window(4, 4.05, "right")]
    assert windows([]) == []


def test_time_in_which_the_prober_was_held_up_is_unwatched_not_right():
    joined = windows([ProbeResult(0, 0.1, "right"), ProbeResult(0.25, 5.1, "right", "", 4.8)])
    assert [window.result for window in joined] == ["right", "unwatched", "right"]
    assert joined[1] == Window(0.1, 5.05, "unwatched")


def test_a_prober_that_died_leaves_the_rest_unwatched():
    client = view(ticks("right", "error"), 0.0, 60.0)
    assert client.windows[-1] == Window(0.3, 60.0, "unwatched")
    assert client.seconds("error") == pytest.approx(0.05)


def test_a_view_begins_and_ends_where_it_was_asked_to():
    client = view(ticks(*["right"] * 8, *["wrong"] * 8), 1.5, 3.0)
    assert client.seconds("right") == pytest.approx(0.5)
    assert client.seconds("wrong") == pytest.approx(1.0)


@given(st.lists(st.tuples(st.sampled_from(RESULTS), st.floats(0, 6), st.floats(0, 3)), max_size=40),
       st.floats(0, 30), st.floats(0, 30))  # fmt: skip
def test_every_moment_of_a_view_is_in_exactly_one_window(raw, a, b):
    probe_results, due = [], 0.0
    for result, late, took in raw:
        probe_results.append(ProbeResult(due, due + late + took, result, "", late))
        due += max(0.25, late + took)
    begin, end = sorted((a, b))
    client = view(probe_results, begin, end)
    at = begin
    for window in client.windows:
        assert window.begin == pytest.approx(at)
        at = window.end
    assert not client.windows or at == pytest.approx(end)


def test_downtime_counts_errors_timeouts_and_wrong_answers():
    client = client_view((0, 1, "error"), (1, 3, "timeout"), (3, 7, "wrong"), (7, 9, "right"))
    verdict = downtime(client, 7)
    assert (verdict.outcome, verdict.actual) == (Outcome.PASS, 7)
    assert downtime(client, 6.9).outcome is Outcome.FAIL
    assert "2.0 s timeout" in verdict.message


def test_wrong_answers_have_a_limit_of_their_own():
    client = client_view((0, 1, "error"), (1, 3, "wrong"), (3, 9, "right"))
    assert wrong_answers(client, 1.9).outcome is Outcome.FAIL
    assert wrong_answers(client, 2).outcome is Outcome.PASS
    limits = Objectives(downtime_s=300, wrong_answers_s=0)
    assert [v.outcome for v in availability(client, limits)] == [Outcome.PASS, Outcome.FAIL]


def test_time_nobody_looked_is_unknown_where_it_could_decide():
    client = client_view((0, 1, "error"), (1, 5, "unwatched"), (5, 9, "right"))
    assert downtime(client, 4.9).outcome is Outcome.UNKNOWN
    assert downtime(client, 5).outcome is Outcome.PASS
    assert downtime(client, 0.5).outcome is Outcome.FAIL


def test_nobody_looking_at_all_is_unknown_whatever_the_limit():
    assert downtime(view([], 0, 1), 300).outcome is Outcome.UNKNOWN
    assert downtime(ClientView(0, 0, ()), 300).outcome is Outcome.UNKNOWN


@pytest.fixture
def patient(monkeypatch):
    """A probe whose deadlines no busy machine misses."""
    for deadline in ("DEADLINE_S", "TICK_S"):
        monkeypatch.setattr(prober, deadline, 60)


@pytest.mark.usefixtures("patient")
def test_a_restarted_server_that_is_healthy_and_empty_is_a_wrong_answer(server):
    questions = [KnownAnswer(Scope(), "bmad_embeddings", "a", "text", [1.0, 0.0])]
    with Chroma(server.url) as chroma:
        assert chroma.heartbeat()
        assert "bmad_embeddings" not in {c.name for c in chroma.collections(Scope())}
    probe_result = probe(server.url, questions, now())
    assert probe_result.result == "wrong"
    assert "no such collection" in probe_result.detail


@pytest.mark.usefixtures("patient")
def test_a_record_that_is_gone_and_one_with_other_words_are_wrong_answers(server):
    with Chroma(server.url) as chroma:
        collection = chroma.create_collection(Scope(), "availability")
        chroma.upsert(
            collection, ids=["a"], vectors=np.array([[1, 0]], np.float32), documents=["new"]
        )

    def result(record, document):
        return probe(
            server.url, [KnownAnswer(Scope(), collection.name, record, document, [1.0, 0.0])], now()
        )

    assert result("a", "new").result == "right"
    assert result("a", "old").result == "wrong"
    assert result("b", "new").result == "wrong"


def test_a_prober_frozen_in_the_middle_of_a_tick_saw_nothing():
    frozen = [
        *ticks("right", "right"),
        ProbeResult(0.5, 12.0, "right"),
        ProbeResult(12.25, 12.3, "right"),
    ]
    assert [window.result for window in windows(frozen)] == ["right", "unwatched", "right"]
    assert stays_right(view(frozen, 0, 12.3)).outcome is Outcome.UNKNOWN


def test_right_answers_that_came_and_went_again_are_no_recovery():
    assert stable_since(ticks(*["wrong"] * 4, *["right"] * 3, *["error"] * 20), 0) is None
    again = ticks(*["wrong"] * 4, *["right"] * 3, *["error"] * 20, *["right"] * 3)
    assert stable_since(again, 0) == again[27].done


def test_what_comes_after_the_recovery_is_judged_too():
    assert stays_right(view(ticks(*["right"] * 40), 0, 10)).outcome is Outcome.PASS
    assert stays_right(view(ticks(*["right"] * 39, "error"), 0, 10)).outcome is Outcome.FAIL
    late = view(ticks(*["right"] * 30, *["timeout"] * 10), 0, 10)
    assert stays_right(late).outcome is Outcome.UNKNOWN


def test_a_watch_that_ended_with_the_recovery_says_nothing_of_what_came_after():
    assert stays_right(view(ticks("right", "right", "right"), 0, 0.55)).outcome is Outcome.NOT_RUN
    assert stays_right(view(ticks("right", "right", "error"), 0, 0.55)).outcome is Outcome.FAIL


def test_a_server_that_needs_six_seconds_for_its_questions_is_a_timeout(server, monkeypatch):
    monkeypatch.setattr(prober, "TICK_S", 0.0)
    assert probe(server.url, [], now()).result == "timeout"


def test_searches_of_a_restored_store_are_judged_cold_and_warm():
    slow = p90_after_restore(Samples((600.0,) * 64), 500, when="cold", wanted=64)
    assert (slow.check, slow.outcome) == ("search p90 cold", Outcome.FAIL)
    fast = p90_after_restore(Samples((900.0, *[5.0] * 63)), 500, when="cold", wanted=64)
    assert fast.outcome is Outcome.PASS
    assert "the first took 900.0 ms" in fast.message
    wrong = p90_after_restore(
        Samples((5.0,) * 63, ("wrong answer: x",)), 500, when="warm", wanted=64
    )
    assert wrong.outcome is Outcome.FAIL


def test_a_restored_store_that_answered_too_few_searches_is_unknown():
    few = p90_after_restore(Samples((5.0,) * 10), 500, when="warm", wanted=200)
    assert few.outcome is Outcome.UNKNOWN
    assert p90_after_restore(Samples(()), 500, when="cold", wanted=0).outcome is Outcome.UNKNOWN
