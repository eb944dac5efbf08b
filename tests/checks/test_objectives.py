"""Limits, clocks, losses: each judge can say no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.checks import objectives
from chromadrill.core.model import Acknowledged, FaultInjection, Outcome, ProbeResult, Samples
from chromadrill.workload.timeline import stable_since


def write(number, at):
    return Acknowledged(at, "c", f"w{number}", "d", number)


def test_recovery_within_the_limit_passes_and_beyond_it_fails():
    assert objectives.recovery_time(10, 300, proven=True).outcome is Outcome.PASS
    assert objectives.recovery_time(301, 300, proven=True).outcome is Outcome.FAIL
    assert objectives.recovery_time(None, 300, proven=True).outcome is Outcome.FAIL


def test_recovery_time_is_void_when_the_data_is_not_proven():
    assert objectives.recovery_time(10, 300, proven=False).outcome is Outcome.UNKNOWN


def test_disaster_nobody_saw_is_unknown():
    assert objectives.disaster_seen(FaultInjection("x", "x", 0, 0)).outcome is Outcome.UNKNOWN
    assert objectives.disaster_seen(FaultInjection("x", "x", 0, 0, "error")).outcome is Outcome.PASS


def test_lost_acknowledged_write_fails_and_is_named_with_its_age():
    acknowledged = [write(1, 100.0), write(2, 101.0)]
    verdict = objectives.data_loss(acknowledged, {"w2": 2}, 110.0, limit_s=None)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.actual == 10.0
    assert verdict.differences[0].ids == ("w1",)


def test_loss_within_the_limit_passes_and_no_write_at_all_is_unknown():
    assert objectives.data_loss([write(1, 100)], {}, 110, limit_s=60).outcome is Outcome.PASS
    assert objectives.data_loss([write(1, 100)], {}, 190, limit_s=60).outcome is Outcome.FAIL
    assert objectives.data_loss([], {}, 110, limit_s=60).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("samples", "outcome"),
    [
        (Samples((1.0,) * 200), Outcome.PASS),
        (Samples((1.0,) * 199), Outcome.UNKNOWN),
        (Samples(()), Outcome.UNKNOWN),
        (Samples((1.0,) * 150 + (900.0,) * 50), Outcome.FAIL),
        (Samples((1.0,) * 400, ("HTTP 500",)), Outcome.FAIL),
    ],
)
def test_p90_needs_samples_and_no_errors(samples, outcome):
    assert objectives.p90_under(samples, 500, at_least=200).outcome is outcome


def test_at_least_says_both_ways():
    assert objectives.at_least("n", 1000, 1000, unit="records").outcome is Outcome.PASS
    assert objectives.at_least("n", 999, 1000, unit="records").outcome is Outcome.FAIL


def probe_results(*results):
    return [ProbeResult(n, n + 0.1, result) for n, result in enumerate(results)]


def test_three_right_answers_in_a_row_are_stable_and_the_first_counts():
    assert stable_since(probe_results("right", "wrong", "right", "right", "right"), 0) == 2.1


def test_flapping_answers_are_not_stable():
    assert stable_since(probe_results(*["right", "right", "error"] * 5), 0) is None


@given(st.lists(st.sampled_from(["right", "wrong", "error", "timeout"])), st.integers(0, 20))
def test_stability_never_starts_before_the_moment_asked_for(results, since):
    stable = stable_since(probe_results(*results), since)
    assert stable is None or stable > since
