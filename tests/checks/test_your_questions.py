"""The verdict on the user's own questions, from counts."""

import pytest

from chromadrill.checks.questions import finds_right_records
from chromadrill.core.model import (
    Outcome,
    QuestionCounts,
    QuestionExample,
    QuestionState,
    WhyUnasked,
)

FOUND, OUTRANKED, UNREACHED, LOST, MOVED, FAILED, UNASKED = QuestionState


def judged(states, *, unasked=None, first=None, unjudged=0, least=90, lines=None, recorded=None):
    decided = sum(states.get(state, 0) for state in (FOUND, OUTRANKED, LOST))
    chosen = sum(states.values()) + unjudged
    counts = QuestionCounts(
        file="questions.jsonl",
        lines=lines or chosen,
        chosen=chosen,
        nearest=10,
        unjudged=unjudged,
        decided=decided,
        first_hits=states.get(FOUND, 0) if first is None else first,
        hits=states.get(FOUND, 0),
        states=states,
        examples={state: QuestionExample(7, f"why {state}") for state in states},
        unasked=unasked or {},
        why_unasked={why: QuestionExample(8, f"why {why}") for why in unasked or {}},
        recorded_first=recorded,
    )
    return finds_right_records(counts, least)


def test_all_found_passes_with_both_shares():
    verdict = judged({FOUND: 40}, first=30, recorded=32)
    assert verdict.outcome is Outcome.PASS
    assert (verdict.actual, verdict.limit, verdict.unit) == (100.0, 90, "%")
    assert (
        "hit@1 75.0 %, hit@10 100.0 % of 40 questions (recorded: hit@1 80.0 %)" in verdict.message
    )


def test_too_few_found_fails_and_names_a_line():
    verdict = judged({FOUND: 80, OUTRANKED: 20})
    assert verdict.outcome is Outcome.FAIL
    assert "90 % are wanted (line 7: why outranked)" in verdict.message


def test_records_that_moved_are_no_loss():
    verdict = judged({FOUND: 12, MOVED: 10})
    assert verdict.outcome is Outcome.PASS
    assert "10 whose right records are gone or changed since, not judged (line 7" in verdict.message


def test_most_records_moved_is_unknown_and_says_to_record_anew():
    verdict = judged({FOUND: 9, MOVED: 11})
    assert verdict.outcome is Outcome.UNKNOWN
    assert "record the file anew" in verdict.message


def test_records_that_the_index_lacks_fail_before_the_share_does():
    assert judged({FOUND: 296, LOST: 4}).outcome is Outcome.FAIL
    assert judged({FOUND: 297, LOST: 3}).outcome is Outcome.PASS
    assert judged({FOUND: 1, LOST: 1}, least=0).outcome is Outcome.PASS
    assert judged({FOUND: 1, LOST: 2}, least=0).outcome is Outcome.FAIL
    assert judged({LOST: 1}, least=0).outcome is Outcome.FAIL


def test_records_that_an_approximate_search_does_not_reach_are_told_unless_it_reaches_none():
    verdict = judged({FOUND: 10, UNREACHED: 200})
    assert verdict.outcome is Outcome.PASS
    assert "200 whose record is in the index" in verdict.message
    assert judged({UNREACHED: 20}).outcome is Outcome.FAIL
    assert judged({UNREACHED: 19}).outcome is Outcome.UNKNOWN


def test_an_error_of_the_server_fails():
    verdict = judged({FOUND: 100, FAILED: 1})
    assert verdict.outcome is Outcome.FAIL
    assert "1 question failed (line 7: why failed)" in verdict.message


@pytest.mark.parametrize("why", [WhyUnasked.BROKEN, WhyUnasked.COLLECTION, WhyUnasked.DIMENSION])
def test_a_line_that_nobody_could_ask_is_unknown_and_named(why):
    verdict = judged({FOUND: 100, UNASKED: 1}, unasked={why: 1})
    assert verdict.outcome is Outcome.UNKNOWN
    assert f"(line 8: why {why})" in verdict.message


def test_questions_in_words_without_an_embedder_are_told_and_the_others_judged():
    verdict = judged({FOUND: 100, UNASKED: 3}, unasked={WhyUnasked.EMBEDDER: 3})
    assert verdict.outcome is Outcome.PASS
    assert "3 questions not asked: text that nobody can embed (line 8" in verdict.message


@pytest.mark.parametrize("why", [WhyUnasked.COLLECTION, WhyUnasked.EMBEDDER])
def test_nothing_that_concerns_this_server_is_not_run(why):
    verdict = judged({UNASKED: 5}, unasked={why: 5})
    assert verdict.outcome is Outcome.NOT_RUN
    assert "(line 8" in verdict.message


def test_a_file_of_broken_lines_alone_is_unknown():
    assert judged({UNASKED: 5}, unasked={WhyUnasked.BROKEN: 5}).outcome is Outcome.UNKNOWN


def test_an_empty_file_is_unknown():
    assert "holds no question" in judged({}).message
    assert judged({}).outcome is Outcome.UNKNOWN


def test_questions_recorded_as_not_found_are_told_and_not_judged():
    verdict = judged({FOUND: 10}, unjudged=5)
    assert verdict.outcome is Outcome.PASS
    assert "5 recorded as not found, told and not judged" in verdict.message
    assert judged({}, unjudged=5).outcome is Outcome.UNKNOWN


def test_some_of_a_larger_file_says_how_many():
    assert "10 of the 500 of questions.jsonl asked" in judged({FOUND: 10}, lines=500).message
