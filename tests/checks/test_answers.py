"""Every function check: green on right answers, red on wrong ones, no false alarm."""

import dataclasses

import pytest

from chromadrill.checks import answers
from chromadrill.checks.recall import same_recall
from chromadrill.checks.suite import judge, outcome_of
from chromadrill.core.model import Answer, Outcome, ReadError
from tests.conftest import ANSWERS, KEY, fingerprint, observed, printed


def answer_with(number, *pairs):
    changed = list(ANSWERS)
    changed[number] = dataclasses.replace(changed[number], answered=pairs)
    return observed(printed(answers=tuple(changed)))


@pytest.mark.parametrize(
    "check",
    [
        answers.right_distances,
        same_recall,
        answers.same_filters,
        answers.same_text_search,
    ],
)
def test_right_answers_are_pass_and_no_answers_are_unknown(check):
    assert check(observed(), fingerprint()).outcome is Outcome.PASS
    # recall has no measure but the source's
    alone = Outcome.NOT_RUN if check is same_recall else Outcome.PASS
    assert check(observed(), None).outcome is alone
    silent = observed(printed(answers=(), recall=None))
    assert check(silent, fingerprint()).outcome is Outcome.UNKNOWN


def test_distance_that_is_not_the_records_own_is_fail():
    observation = answer_with(0, ["a", 0.0], ["b", 3.0])
    verdict = answers.right_distances(observation, None)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.differences[0].collection == KEY


def test_stranger_nearer_than_possible_is_fail():
    assert answers.right_distances(answer_with(0, ["x", 1.0]), None).outcome is Outcome.FAIL


def test_another_metric_shows_against_the_source():
    other = Answer("neighbours", {"id": "a"}, (["a", 0.0], ["b", 0.5]), (["a", 0.0], ["b", 0.5]))
    observation = observed(printed(answers=(other,)))
    assert answers.right_distances(observation, None).outcome is Outcome.PASS
    assert answers.right_distances(observation, fingerprint()).outcome is Outcome.FAIL


def test_missed_neighbour_alone_is_no_wrong_distance():
    assert (
        answers.right_distances(answer_with(0, ["a", 0.0]), fingerprint()).outcome is Outcome.PASS
    )


@pytest.mark.parametrize(
    ("number", "check"), [(1, answers.same_filters), (2, answers.same_text_search)]
)
def test_set_that_differs_is_fail(number, check):
    assert check(answer_with(number, 0, "ff"), None).outcome is Outcome.FAIL
    assert check(answer_with(number, 1, "01"), fingerprint()).outcome is Outcome.FAIL


def test_failing_query_is_fail():
    observation = observed(read_errors=[ReadError("neighbours", KEY, "500")])
    assert answers.right_distances(observation, fingerprint()).outcome is Outcome.FAIL


def test_dead_server_is_fail():
    observation = observed(read_errors=[ReadError("alive", "url", "no answer")])
    assert answers.still_alive(observation).outcome is Outcome.FAIL
    assert answers.still_alive(observed()).outcome is Outcome.PASS


def test_crashed_check_is_unknown_never_pass():
    broken = dataclasses.replace(observed(), fingerprint=None)
    assert outcome_of(judge(broken, fingerprint())) is not Outcome.PASS


def test_without_fingerprint_content_is_not_run_and_the_rest_is_judged():
    verdicts = {v.check: v.outcome for v in judge(observed(), None)}
    assert verdicts["records"] is Outcome.NOT_RUN
    assert verdicts["distances"] is Outcome.PASS


def test_collection_that_takes_no_writes_is_fail():
    observation = observed(
        read_errors=[ReadError("canary", KEY, "the record just written is not there")]
    )
    assert answers.takes_writes(observation).outcome is Outcome.FAIL
    assert answers.takes_writes(observed()).outcome is Outcome.PASS


def test_question_that_the_source_could_not_be_asked_is_not_run_and_a_lost_one_is_unknown():
    """A collection without documents has nothing to search for; that is no doubt about its copy."""

    def without(kind):
        return tuple(a for a in ANSWERS if a.kind != kind)

    bare = fingerprint(printed(answers=without("text")))
    copy = observed(printed(answers=without("text")))

    assert answers.same_text_search(copy, bare).outcome is Outcome.NOT_RUN
    assert answers.same_text_search(copy, fingerprint()).outcome is Outcome.UNKNOWN
    assert answers.same_text_search(copy).outcome is Outcome.NOT_RUN
    assert same_recall(observed(printed(recall=None)), bare).outcome is Outcome.UNKNOWN
