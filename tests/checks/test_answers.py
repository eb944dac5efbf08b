"""Every function check: green on right answers, red on wrong ones, no false alarm."""

import dataclasses

import numpy as np
import pytest

from chromadrill.checks import answers
from chromadrill.checks.suite import judge, outcome_of
from chromadrill.core.model import Answer, Outcome, ReadError, Recall
from tests.conftest import ANSWERS, KEY, fingerprint, observed, page, printed


def answer_with(number, *pairs):
    changed = list(ANSWERS)
    changed[number] = dataclasses.replace(changed[number], answered=pairs)
    return observed(printed(answers=tuple(changed)))


@pytest.mark.parametrize(
    "check",
    [
        answers.right_distances,
        answers.same_recall,
        answers.same_filters,
        answers.same_text_search,
    ],
)
def test_right_answers_are_pass_and_no_answers_are_unknown(check):
    assert check(observed(), fingerprint()).outcome is Outcome.PASS
    # recall has no measure but the source's
    alone = Outcome.NOT_RUN if check is answers.same_recall else Outcome.PASS
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
    ("before", "after", "outcome"),
    [
        (Recall(90, 100, 980, 1000), Recall(90, 100, 975, 1000), Outcome.PASS),  # within 1 %
        (Recall(10, 10, 46, 100), Recall(10, 10, 44, 100), Outcome.PASS),  # bad at the source too
        (Recall(10, 10, 100, 100), Recall(10, 10, 97, 100), Outcome.PASS),  # within 3 records
        (Recall(10, 10, 100, 100), Recall(10, 10, 96, 100), Outcome.FAIL),
        (Recall(100, 100, 10, 10), Recall(90, 100, 10, 10), Outcome.FAIL),
        (None, Recall(0, 100, 0, 100), Outcome.FAIL),  # nothing is found at all
    ],
)
def test_recall_is_held_against_the_source(before, after, outcome):
    verdict = answers.same_recall(
        observed(printed(recall=after)), fingerprint(printed(recall=before))
    )
    assert verdict.outcome is outcome


EQUAL = page(vectors=np.ones((3, 4), np.float32))


@pytest.mark.parametrize(
    ("collection", "outcome"),
    [
        (printed(recall=Recall(248, 1000, 600, 1000)), Outcome.FAIL),  # 1.0.0, chroma 4275
        (printed(recall=Recall(277, 1000, 600, 1000), count=100_000), Outcome.NOT_RUN),
        (printed(EQUAL, recall=Recall(277, 1000, 600, 1000)), Outcome.NOT_RUN),
        (printed(space="ip", recall=Recall(277, 1000, 333, 1000)), Outcome.NOT_RUN),
        (printed(recall=Recall(970, 1000, 333, 1000)), Outcome.NOT_RUN),
    ],
    ids=["small", "large", "of equal vectors", "by inner product", "found"],
)
def test_search_that_may_look_at_every_record_finds_half_of_the_neighbours(collection, outcome):
    assert answers.same_recall(observed(collection)).outcome is outcome


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


def test_index_that_found_some_may_find_a_little_less_and_one_that_found_all_may_not():
    """Figures as measured: two builds of one collection of random vectors, two starts of one of ip."""
    before = fingerprint(printed(recall=Recall(502, 640, 5000, 5000)))
    rebuilt = observed(printed(recall=Recall(490, 640, 5000, 5000)))
    worse = observed(printed(recall=Recall(440, 640, 5000, 5000)))
    lost = observed(printed(recall=Recall(502, 640, 4900, 5000)))

    assert answers.same_recall(rebuilt, before).outcome is Outcome.PASS
    assert answers.same_recall(worse, before).outcome is Outcome.FAIL
    assert answers.same_recall(lost, before).outcome is Outcome.FAIL
    started = observed(printed(recall=Recall(603, 640, 5000, 5000)))
    source = fingerprint(printed(recall=Recall(611, 640, 5000, 5000)))
    assert answers.same_recall(started, source).outcome is Outcome.PASS


def test_question_that_the_source_could_not_be_asked_is_not_run_and_a_lost_one_is_unknown():
    """A collection without documents has nothing to search for; that is no doubt about its copy."""

    def without(kind):
        return tuple(a for a in ANSWERS if a.kind != kind)

    bare = fingerprint(printed(answers=without("text")))
    copy = observed(printed(answers=without("text")))

    assert answers.same_text_search(copy, bare).outcome is Outcome.NOT_RUN
    assert answers.same_text_search(copy, fingerprint()).outcome is Outcome.UNKNOWN
    assert answers.same_text_search(copy).outcome is Outcome.NOT_RUN
    assert answers.same_recall(observed(printed(recall=None)), bare).outcome is Outcome.UNKNOWN
