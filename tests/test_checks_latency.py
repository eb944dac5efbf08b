"""Latency judged: each check can say no, and a slower machine alone is no regression."""

import pytest

from chromadrill.checks.latency import BAND, every_under, found_themselves, judge_trend, ratios
from chromadrill.model import Outcome, Samples

FAST = [4.0 + (n % 20) / 10 for n in range(200)]
YARD = [1.0 + (n % 7) / 100 for n in range(200)]


@pytest.mark.parametrize(
    ("samples", "outcome"),
    [
        (Samples((1.0,) * 100), Outcome.PASS),
        (Samples((1.0,) * 99), Outcome.UNKNOWN),
        (Samples(()), Outcome.UNKNOWN),
        (Samples((1.0,) * 99 + (2000.0,)), Outcome.FAIL),
        (Samples((1.0,) * 100, ("wrong answer: another record",)), Outcome.FAIL),
    ],
)
def test_one_slow_query_or_one_wrong_answer_fails_and_too_few_are_unknown(samples, outcome):
    assert every_under("every search", samples, 2000, at_least=100).outcome is outcome


def test_no_sample_is_unknown_even_where_none_was_asked_for():
    assert every_under("every search", Samples(()), 2000, at_least=0).outcome is Outcome.UNKNOWN


def test_same_latencies_are_no_regression_and_faster_ones_neither():
    accepted = ratios(FAST, YARD)
    assert judge_trend("search", accepted, accepted).outcome is Outcome.PASS
    faster = ratios([each / 3 for each in FAST], YARD)
    assert judge_trend("search", faster, accepted).outcome is Outcome.PASS


def test_machine_twice_as_slow_is_no_regression():
    slower = ratios([each * 2 for each in FAST], [each * 2 for each in YARD])
    assert judge_trend("search", slower, ratios(FAST, YARD)).outcome is Outcome.PASS


@pytest.mark.parametrize("rank", ["p10", "p90"])
def test_either_percentile_beyond_its_band_fails_and_within_it_passes(rank):
    accepted = {"p10": 4.0, "p90": 6.0}
    beyond = accepted | {rank: accepted[rank] * BAND[rank] * 1.01}
    within = accepted | {rank: accepted[rank] * BAND[rank] * 0.99}

    said = judge_trend("search", beyond, accepted)
    assert said.outcome is Outcome.FAIL
    assert said.check == "latency trend: search"
    assert f"{rank} x" in said.message
    assert judge_trend("search", within, accepted).outcome is Outcome.PASS


def test_five_milliseconds_more_on_a_fast_search_fail():
    slowed = ratios([each + 5 for each in FAST], YARD)
    assert judge_trend("search", slowed, ratios(FAST, YARD)).outcome is Outcome.FAIL


@pytest.mark.parametrize(("now", "accepted"), [({}, {"p10": 1.0, "p90": 1.0}), ({}, {})])
def test_trend_without_samples_is_unknown(now, accepted):
    assert judge_trend("search", now, accepted).outcome is Outcome.UNKNOWN


def test_ratios_of_fewer_than_two_samples_are_none():
    assert ratios([1.0], [1.0]) == {}
    assert ratios([1.0, 2.0], []) == {}


@pytest.mark.parametrize(
    ("right", "missed", "outcome"),
    [
        (64, (), Outcome.PASS),
        (60, ("a",) * 4, Outcome.PASS),
        (31, ("a",) * 33, Outcome.FAIL),
        (0, ("a",), Outcome.FAIL),
        (0, (), Outcome.UNKNOWN),
    ],
)
def test_records_that_do_not_find_themselves_fail(right, missed, outcome):
    assert found_themselves(64, right, missed).outcome is outcome
