"""Every verdict of a load run can be red, and doubt about the run itself is UNKNOWN."""

import pytest

from chromadrill.checks.load import Limits, judge, writes_present
from chromadrill.core.model import Outcome
from chromadrill.workload.load.samples import Sample
from chromadrill.workload.load.summary import facts
from tests.workload.load.samples import made

LIMITS = Limits(samples_min=500, p90_ms=500, max_ms=2000)


def outcomes(samples, limits=LIMITS, *, scheduled=1000, workers=1):
    verdicts = judge(facts(samples, scheduled, workers), limits)
    return {each.check: each.outcome for each in verdicts}


def merged(*args, **kwargs):
    return Outcome.merge(outcomes(*args, **kwargs).values())


def changed(numbers, outcome, took):
    return {f"n{number}": (outcome, took) for number in numbers}


def test_fast_right_answers_pass():
    assert merged(made()) is Outcome.PASS


def test_slow_answers_fail_the_p90():
    said = outcomes(made(**changed(range(0, 1000, 5), "right", 600)))
    assert said["load p90"] is Outcome.FAIL
    assert said["slowest query"] is Outcome.PASS


def test_one_query_over_the_maximum_fails_although_the_p90_is_good():
    said = outcomes(made(**changed([7], "right", 2100)))
    assert said["load p90"] is Outcome.PASS
    assert said["slowest query"] is Outcome.FAIL


@pytest.mark.parametrize("outcome", ["error", "timeout"])
def test_errors_beyond_the_share_fail(outcome):
    check = "load errors"
    assert outcomes(made(**changed([7], outcome, 1)))[check] is Outcome.FAIL
    allowed = Limits(samples_min=500, error_share=0.001)
    assert outcomes(made(**changed([7], outcome, 1)), allowed)[check] is Outcome.PASS
    assert outcomes(made(**changed([7, 8], outcome, 1)), allowed)[check] is Outcome.FAIL


def test_no_wrong_answer_is_tolerated_however_fast():
    allowed = Limits(samples_min=500, error_share=0.5)
    assert merged(made(**changed([7], "wrong", 0.1)), allowed) is Outcome.FAIL


def test_what_was_given_up_counts_among_the_latencies():
    seen = facts(made(100, **changed([7], "timeout", 10_000)), 100, 1)
    assert max(seen.latency_ms) == pytest.approx(10_000)
    assert seen.right == 99


def test_too_few_samples_are_unknown():
    assert merged(made(499), scheduled=499) is Outcome.UNKNOWN
    assert merged(made(500), scheduled=500) is Outcome.PASS


def test_no_sample_at_all_is_unknown():
    assert merged([]) is Outcome.UNKNOWN


def test_a_hole_in_the_schedule_is_unknown_and_names_the_worker():
    kept = [each for each in made() if each.number % 3 != 1 or each.number < 600]
    seen = facts(kept, 1000, 3)
    said = {each.check: each for each in judge(seen, LIMITS)}
    assert said["arrivals"].outcome is Outcome.UNKNOWN
    assert "worker 1: 133" in said["arrivals"].message
    assert merged(kept, workers=3) is Outcome.UNKNOWN


def test_a_generator_that_was_late_is_unknown_not_a_slow_server():
    said = outcomes(made(lag_ms=600))
    assert said["load p90"] is Outcome.UNKNOWN
    assert said["schedule kept"] is Outcome.UNKNOWN
    assert merged(made(lag_ms=600)) is Outcome.UNKNOWN
    assert merged(made(lag_ms=120)) is Outcome.UNKNOWN


def test_a_server_that_is_slow_by_itself_fails_although_the_generator_was_late_too():
    slow = made(service_ms=700)
    half = [e._replace(started=e.due + 0.2, done=e.due + 0.9) if e.number % 2 else e for e in slow]
    said = outcomes(half)
    assert said["load p90"] is Outcome.FAIL
    assert said["schedule kept"] is Outcome.UNKNOWN


def test_a_generator_that_stood_still_is_not_a_slow_query_either():
    late = [each._replace(started=8.0) if 5.0 <= each.due < 8.0 else each for each in made()]
    # the burst that made up for it had to queue at the server
    late = [e._replace(done=e.started + (0.8 if e.started == 8.0 else 0.005)) for e in late]
    # it was open when the generator stopped, and its answer was read three seconds later
    late[249] = Sample(249, 0, "search", 4.98, 4.98, 7.999, "right")
    said = outcomes(late)
    assert said["slowest query"] is Outcome.UNKNOWN
    assert said["schedule kept"] is Outcome.UNKNOWN
    assert merged(late) is Outcome.UNKNOWN


def test_recovery_tells_outages_and_fails_only_if_it_ends_in_one():
    limits = Limits(samples_min=100, p90_ms=None, error_share=None, must_recover=True)
    assert merged(made(**changed(range(300, 600), "error", 1)), limits) is Outcome.PASS
    assert merged(made(**changed(range(995, 1000), "wrong", 1)), limits) is Outcome.FAIL


RECOVERY = Limits(samples_min=100, p90_ms=None, error_share=None, must_recover=True)


def frozen_generator(*, at=5.0, long_s=11.0):
    """The generator stood still: what was open then is given up when it wakes, the rest is late."""
    woke = at + long_s
    found = []
    for each in made():
        if at <= each.due < woke:
            each = each._replace(started=woke, done=woke + 0.005)
        found.append(each)
    found[int(at * 50) - 1] = Sample(
        int(at * 50) - 1, 0, "search", at - 0.02, at - 0.02, woke, "timeout", "no answer"
    )
    return found


def test_a_timeout_in_which_the_generator_itself_stood_still_is_no_error_of_the_server():
    said = outcomes(frozen_generator())
    assert said["load errors"] is Outcome.UNKNOWN
    assert merged(frozen_generator()) is Outcome.UNKNOWN
    # one of the burst that made up for it, too
    burst = [e._replace(done=26.0, outcome="timeout") if e.number == 300 else e
             for e in frozen_generator()]  # fmt: skip
    assert outcomes(burst)["load errors"] is Outcome.UNKNOWN
    ended_so = frozen_generator(at=9.0)
    assert outcomes(ended_so[:460], RECOVERY, scheduled=460)["right at the end"] is Outcome.UNKNOWN


def test_what_queues_behind_the_burst_after_the_generators_freeze_is_not_the_servers():
    queued = [e._replace(done=18.5) if e.due >= 5.0 and e.due < 18.4 else e
              for e in frozen_generator()]  # fmt: skip
    said = outcomes(queued)
    assert said["load p90"] is Outcome.UNKNOWN
    assert said["slowest query"] is Outcome.UNKNOWN


def test_a_timeout_with_a_hiccup_of_the_generator_in_it_is_the_servers():
    samples = made(**changed(range(250, 300), "timeout", 10_000))
    late = [e._replace(started=6.2, done=6.2 + e.service_ms / 1000) if 6 <= e.due < 6.2 else e
            for e in samples]  # fmt: skip
    assert outcomes(late)["load errors"] is Outcome.FAIL


def test_an_ended_run_keeps_what_arrived_after_its_last_due_sample():
    samples = made(200, **changed(range(180, 200), "error", 1))
    seen = facts([e for e in samples if e.number not in (170, 171)], 150, 1)
    assert (seen.scheduled, seen.arrived, seen.missing_of_worker) == (198, 198, {})
    assert outcomes(samples, RECOVERY, scheduled=150)["right at the end"] is Outcome.FAIL
    assert outcomes(samples[:100], RECOVERY, scheduled=150)["arrivals"] is Outcome.UNKNOWN


def test_acknowledged_writes_that_are_not_there_fail():
    assert writes_present(64, []).outcome is Outcome.PASS
    assert writes_present(64, ["load-3-1"]).outcome is Outcome.FAIL
    assert writes_present(0, []).outcome is Outcome.UNKNOWN
