"""Latency judged: each check can say no, and a slower machine alone is no regression."""

import pytest

from chromadrill.checks.latency import (
    BAND_LOW,
    BAND_LOW_BUSY,
    BAND_P90,
    BUSY,
    every_under,
    finds_own_records,
    judge_trend,
    percentiles,
)
from chromadrill.core.model import Outcome, Samples

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


def outcomes(now, accepted):
    return [verdict.outcome for verdict in judge_trend("search", now, accepted)]


def test_same_latencies_are_no_regression_and_faster_ones_neither():
    accepted = percentiles(FAST, YARD)
    faster = percentiles([ms / 3 for ms in FAST], YARD)
    assert outcomes(accepted, accepted) == [Outcome.PASS, Outcome.PASS]
    assert outcomes(faster, accepted) == [Outcome.PASS, Outcome.PASS]


def test_machine_three_times_as_slow_is_no_regression():
    slower = percentiles([ms * 3 for ms in FAST], [ms * 3 for ms in YARD])
    assert outcomes(slower, percentiles(FAST, YARD)) == [Outcome.PASS, Outcome.PASS]


def test_low_percentiles_beyond_their_band_fail_and_within_it_pass():
    accepted = percentiles(FAST, YARD)
    beyond = percentiles([ms * BAND_LOW * 1.01 for ms in FAST], YARD)
    within = percentiles([ms * BAND_LOW * 0.99 for ms in FAST], YARD)

    low, p90 = judge_trend("search", beyond, accepted)
    assert (low.check, low.outcome) == ("latency trend: search", Outcome.FAIL)
    assert p90.outcome is Outcome.PASS
    assert outcomes(within, accepted) == [Outcome.PASS, Outcome.PASS]


def test_tail_alone_beyond_its_band_fails():
    tail = [ms * (1 if n % 5 else BAND_P90 * 1.8) for n, ms in enumerate(FAST)]
    low, p90 = judge_trend("search", percentiles(tail, YARD), percentiles(FAST, YARD))

    assert low.outcome is Outcome.PASS
    assert (p90.check, p90.outcome) == ("latency trend: search p90", Outcome.FAIL)


@pytest.mark.parametrize("busy", ["this run", "the baseline"])
def test_tail_on_a_busy_machine_is_not_compared_and_the_reason_is_told(busy):
    disturbed = [ms * (1 if n % 5 else BUSY * 1.2) for n, ms in enumerate(YARD)]
    yards = (disturbed, YARD) if busy == "this run" else (YARD, disturbed)
    slowed = [ms * BAND_LOW_BUSY * 1.01 for ms in FAST]
    low, p90 = judge_trend("x", percentiles(slowed, yards[0]), percentiles(FAST, yards[1]))

    assert low.outcome is Outcome.FAIL
    assert p90.outcome is Outcome.NOT_RUN
    assert busy in p90.message
    bearable = [ms * BAND_LOW_BUSY * 0.99 for ms in FAST]
    low, _ = judge_trend("x", percentiles(bearable, yards[0]), percentiles(FAST, yards[1]))
    assert low.outcome is Outcome.PASS


def test_tail_far_beyond_its_band_is_unknown_on_a_busy_machine_not_green():
    disturbed = [ms * (1 if n % 5 else BUSY * 1.2) for n, ms in enumerate(YARD)]
    tail = [ms * (1 if n % 5 else BAND_P90 * 6) for n, ms in enumerate(FAST)]
    low, p90 = judge_trend("x", percentiles(tail, disturbed), percentiles(FAST, YARD))
    assert low.outcome is Outcome.PASS
    assert p90.outcome is Outcome.UNKNOWN
    assert "busy in this run" in p90.message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_growth_that_is_no_number_is_no_pass(value):
    accepted = percentiles(FAST, YARD)
    low, p90 = judge_trend("x", accepted | {"p10": value, "p25": value, "p90": value}, accepted)
    assert Outcome.PASS not in (low.outcome, p90.outcome)
    assert percentiles([value] * 20, YARD) == {}


def test_five_milliseconds_more_on_a_fast_search_fail():
    slowed = percentiles([ms + 5 for ms in FAST], YARD)
    assert Outcome.FAIL in outcomes(slowed, percentiles(FAST, YARD))


def test_trend_without_samples_is_unknown():
    some = percentiles(FAST, YARD)
    for now, accepted in (({}, some), (some, {}), ({}, {})):
        assert outcomes(now, accepted) == [Outcome.UNKNOWN, Outcome.UNKNOWN]


def test_fewer_than_two_samples_have_no_percentiles():
    assert percentiles([1.0], [1.0]) == {}
    assert percentiles([1.0, 2.0], []) == {}


@pytest.mark.parametrize(
    ("right", "missed", "outcome"),
    [
        (64, (), Outcome.PASS),
        (61, ("a",) * 3, Outcome.PASS),
        (60, ("a",) * 4, Outcome.FAIL),
        (792, ("a",) * 8, Outcome.PASS),
        (791, ("a",) * 9, Outcome.FAIL),
        (2, ("a",) * 3, Outcome.FAIL),
        (31, ("a",) * 33, Outcome.FAIL),
        (0, ("a",), Outcome.FAIL),
        (0, (), Outcome.UNKNOWN),
    ],
)
def test_records_that_do_not_find_themselves_fail(right, missed, outcome):
    assert finds_own_records(64, right, missed).outcome is outcome


@pytest.mark.parametrize(
    ("right", "unreached", "outcome"),
    [(19, 45, Outcome.PASS), (0, 64, Outcome.FAIL), (0, 19, Outcome.UNKNOWN)],
)
def test_records_in_the_index_that_its_search_does_not_reach_are_no_loss(right, unreached, outcome):
    assert finds_own_records(64, right, (), unreached=unreached).outcome is outcome
