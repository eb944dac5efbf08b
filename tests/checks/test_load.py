"""Every verdict of a load run can be red, and doubt about the run itself is UNKNOWN."""

import pytest

from chromadrill.checks.load import LoadLimits, judge, writes_present
from chromadrill.core.model import Outcome
from chromadrill.workload.load.samples import LoadSample
from chromadrill.workload.load.summary import summarise
from tests.workload.load.samples import samples_of

LIMITS = LoadLimits(samples_min=500, p90_ms=500, max_ms=2000)


def outcomes(samples, limits=LIMITS, *, scheduled=1000, workers=1):
    verdicts = judge(summarise(samples, scheduled, workers), limits)
    return {verdict.check: verdict.outcome for verdict in verdicts}


def merged_outcome(*args, **kwargs):
    return Outcome.merge(outcomes(*args, **kwargs).values())


def changes(numbers, outcome, took):
    return {f"n{number}": (outcome, took) for number in numbers}


def test_fast_right_answers_pass():
    assert merged_outcome(samples_of()) is Outcome.PASS


def test_slow_answers_fail_the_p90():
    verdicts = outcomes(samples_of(**changes(range(0, 1000, 5), "right", 600)))
    assert verdicts["load p90"] is Outcome.FAIL
    assert verdicts["slowest query"] is Outcome.PASS


def test_one_query_over_the_maximum_fails_although_the_p90_is_good():
    verdicts = outcomes(samples_of(**changes([7], "right", 2100)))
    assert verdicts["load p90"] is Outcome.PASS
    assert verdicts["slowest query"] is Outcome.FAIL


@pytest.mark.parametrize("outcome", ["error", "timeout"])
def test_errors_beyond_the_share_fail(outcome):
    check = "load errors"
    assert outcomes(samples_of(**changes([7], outcome, 1)))[check] is Outcome.FAIL
    allowed = LoadLimits(samples_min=500, error_share=0.001)
    assert outcomes(samples_of(**changes([7], outcome, 1)), allowed)[check] is Outcome.PASS
    assert outcomes(samples_of(**changes([7, 8], outcome, 1)), allowed)[check] is Outcome.FAIL


def test_no_wrong_answer_is_tolerated_however_fast():
    allowed = LoadLimits(samples_min=500, error_share=0.5)
    assert merged_outcome(samples_of(**changes([7], "wrong", 0.1)), allowed) is Outcome.FAIL


def test_what_was_given_up_counts_among_the_latencies():
    summary = summarise(samples_of(100, **changes([7], "timeout", 10_000)), 100, 1)
    assert max(summary.latency_ms) == pytest.approx(10_000)
    assert summary.right == 99


def test_too_few_samples_are_unknown():
    assert merged_outcome(samples_of(499), scheduled=499) is Outcome.UNKNOWN
    assert merged_outcome(samples_of(500), scheduled=500) is Outcome.PASS


def test_no_sample_at_all_is_unknown():
    assert merged_outcome([]) is Outcome.UNKNOWN


def test_a_hole_in_the_schedule_is_unknown_and_names_the_worker():
    partial = [e for e in samples_of() if e.number % 3 != 1 or e.number < 600]
    summary = summarise(partial, 1000, 3)
    verdicts = {verdict.check: verdict for verdict in judge(summary, LIMITS)}
    assert verdicts["arrivals"].outcome is Outcome.UNKNOWN
    assert "worker 1: 133" in verdicts["arrivals"].message
    assert merged_outcome(partial, workers=3) is Outcome.UNKNOWN


def test_a_generator_that_was_late_is_unknown_not_a_slow_server():
    verdicts = outcomes(samples_of(lag_ms=600))
    assert verdicts["load p90"] is Outcome.UNKNOWN
    assert verdicts["schedule kept"] is Outcome.UNKNOWN
    assert merged_outcome(samples_of(lag_ms=600)) is Outcome.UNKNOWN
    assert merged_outcome(samples_of(lag_ms=120)) is Outcome.UNKNOWN


def test_a_server_that_is_slow_by_itself_fails_although_the_generator_was_late_too():
    slow = samples_of(service_ms=700)
    half = [e._replace(started=e.due + 0.2, done=e.due + 0.9) if e.number % 2 else e for e in slow]
    verdicts = outcomes(half)
    assert verdicts["load p90"] is Outcome.FAIL
    assert verdicts["schedule kept"] is Outcome.UNKNOWN


def test_a_generator_that_stood_still_is_not_a_slow_query_either():
    late = [e._replace(started=8.0) if 5.0 <= e.due < 8.0 else e for e in samples_of()]
    # the burst that made up for it had to queue at the server
    late = [e._replace(done=e.started + (0.8 if e.started == 8.0 else 0.005)) for e in late]
    # it was open when the generator stopped, and its answer was read three seconds later
    late[249] = LoadSample(249, 0, "search", 4.98, 4.98, 7.999, "right")
    verdicts = outcomes(late)
    assert verdicts["slowest query"] is Outcome.UNKNOWN
    assert verdicts["schedule kept"] is Outcome.UNKNOWN
    assert merged_outcome(late) is Outcome.UNKNOWN


def test_recovery_tells_outages_and_fails_only_if_it_ends_in_one():
    limits = LoadLimits(samples_min=100, p90_ms=None, error_share=None, must_recover=True)
    assert (
        merged_outcome(samples_of(**changes(range(300, 600), "error", 1)), limits) is Outcome.PASS
    )
    assert (
        merged_outcome(samples_of(**changes(range(995, 1000), "wrong", 1)), limits) is Outcome.FAIL
    )


RECOVERY = LoadLimits(samples_min=100, p90_ms=None, error_share=None, must_recover=True)


def frozen_generator(*, at=5.0, long_s=11.0):
    """The generator stood still: what was open then is given up when it wakes, the rest is late."""
    woke = at + long_s
    samples = []
    for sample in samples_of():
        if at <= sample.due < woke:
            sample = sample._replace(started=woke, done=woke + 0.005)
        samples.append(sample)
    samples[int(at * 50) - 1] = LoadSample(
        int(at * 50) - 1, 0, "search", at - 0.02, at - 0.02, woke, "timeout", "no answer"
    )
    return samples


def test_a_timeout_in_which_the_generator_itself_stood_still_is_no_error_of_the_server():
    verdicts = outcomes(frozen_generator())
    assert verdicts["load errors"] is Outcome.UNKNOWN
    assert merged_outcome(frozen_generator()) is Outcome.UNKNOWN
    # one of the burst that made up for it, too
    burst = [e._replace(done=26.0, outcome="timeout") if e.number == 300 else e
             for e in frozen_generator()]  # fmt: skip
    assert outcomes(burst)["load errors"] is Outcome.UNKNOWN
    ended_so = frozen_generator(at=9.0)
    assert outcomes(ended_so[:460], RECOVERY, scheduled=460)["right at the end"] is Outcome.UNKNOWN


def test_what_queues_behind_the_burst_after_the_generators_freeze_is_not_the_servers():
    queued = [e._replace(done=18.5) if e.due >= 5.0 and e.due < 18.4 else e
              for e in frozen_generator()]  # fmt: skip
    verdicts = outcomes(queued)
    assert verdicts["load p90"] is Outcome.UNKNOWN
    assert verdicts["slowest query"] is Outcome.UNKNOWN


def test_a_timeout_with_a_hiccup_of_the_generator_in_it_is_the_servers():
    samples = samples_of(**changes(range(250, 300), "timeout", 10_000))
    late = [e._replace(started=6.2, done=6.2 + e.service_ms / 1000) if 6 <= e.due < 6.2 else e
            for e in samples]  # fmt: skip
    assert outcomes(late)["load errors"] is Outcome.FAIL


def test_an_ended_run_keeps_what_arrived_after_its_last_due_sample():
    samples = samples_of(200, **changes(range(180, 200), "error", 1))
    summary = summarise([e for e in samples if e.number not in (170, 171)], 150, 1)
    assert (summary.scheduled, summary.arrivals, summary.missing_of_worker) == (198, 198, {})
    assert outcomes(samples, RECOVERY, scheduled=150)["right at the end"] is Outcome.FAIL
    assert outcomes(samples[:100], RECOVERY, scheduled=150)["arrivals"] is Outcome.UNKNOWN


def test_acknowledged_writes_that_are_not_there_fail():
    assert writes_present(64, []).outcome is Outcome.PASS
    assert writes_present(64, ["load-3-1"]).outcome is Outcome.FAIL
    assert writes_present(0, []).outcome is Outcome.UNKNOWN
