"""A forecast says what it knows, and no more."""

import math

import numpy as np
import pytest

from chromadrill.checks.forecast import EmbeddingRate, forecast
from chromadrill.core.model import Outcome

SIZES = (1000, 1000, 2500, 2500, 6000, 6000)


def times(of, noise=0.0):
    rng = np.random.default_rng(3)
    return [(n, of(n) * (1 + noise * rng.normal())) for n in SIZES]


LINEAR = times(lambda n: 2 + n / 500, noise=0.02)


@pytest.mark.parametrize(("limit_s", "outcome"), [(900, "pass"), (100, "fail"), (260, "unknown")])
def test_forecast_is_judged_by_its_whole_interval(limit_s, outcome):
    assert forecast("f", LINEAR, 100_000, limit_s).outcome == outcome


@pytest.mark.parametrize(
    "grows",
    [lambda n: 1 + n / 400, lambda n: 1 + n * math.log2(n) / 4000],
    ids=["n", "n log n"],
)
def test_interval_holds_the_truth_of_either_growth(grows):
    truth = grows(100_000)
    measured = times(grows, noise=0.01)
    assert forecast("f", measured, 100_000, truth * 0.999).outcome is Outcome.UNKNOWN
    assert forecast("f", measured, 100_000, truth * 2).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("power", "noise"),
    [(1.2, 0.0), (1.2, 0.005), (1.3, 0.005), (1.3, 0.02), (1.5, 0.02), (2.0, 0.02)],
)
def test_times_that_grow_faster_than_n_log_n_never_pass(power, noise):
    measured = times(lambda n: 3 + 60 * (n / 6000) ** power, noise=noise)
    verdict = forecast("f", measured, 100_000, 10**9)
    assert verdict.outcome is Outcome.UNKNOWN
    assert (
        "faster than n log n: it may be more" in verdict.message
        or "do not follow" in verdict.message
    )
    if "faster" in verdict.message:  # more than the limit is more than the limit all the same
        assert forecast("f", measured, 100_000, 60).outcome is Outcome.FAIL


def test_times_that_grow_slower_than_n_never_fail():
    verdict = forecast("f", times(lambda n: n**0.6, noise=0.005), 100_000, 1)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "slower than n: it may be less" in verdict.message


def test_embedding_is_added_from_its_own_measurement():
    without = forecast("f", LINEAR, 100_000, 900)
    added = forecast("f", LINEAR, 100_000, 900, embedding=EmbeddingRate(0.02, 0.03))
    assert added.actual == pytest.approx(without.actual + 3000, abs=1)
    assert added.outcome is Outcome.FAIL


def test_size_at_which_the_limit_is_reached_is_said():
    exact = times(lambda n: n / 100)
    assert "reached at about " in forecast("f", exact, 50_000, 600).message
    size = int(
        forecast("f", exact, 50_000, 600).message.split("about ")[1].split(" ")[0].replace(",", "")
    )
    assert 40_000 <= size <= 60_000


@pytest.mark.parametrize(
    ("timed", "records", "message"),  # `measured` is a fixture of the drill: it would deselect this
    [
        (LINEAR, 120_001, "more than 20 times"),
        (LINEAR[:4], 10_000, "3 are needed"),
        (times(lambda n: 9.0, noise=0.01), 10_000, "do not follow"),
        (times(lambda n: n / 500, noise=0.6), 10_000, "do not follow"),
    ],
    ids=["too far", "too few sizes", "no growth", "noise"],
)
def test_what_cannot_be_foretold_is_unknown(timed, records, message):
    verdict = forecast("f", timed, records, 10_000)
    assert verdict.outcome is Outcome.UNKNOWN
    assert message in verdict.message
