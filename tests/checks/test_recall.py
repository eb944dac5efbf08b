"""Recall against the source's: what varies by chance, and what is lost."""

import numpy as np
import pytest

from chromadrill.checks.recall import same_recall
from chromadrill.core.model import Answer, Outcome, Recall
from tests.conftest import fingerprint, observed, page, printed


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
    verdict = same_recall(observed(printed(recall=after)), fingerprint(printed(recall=before)))
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
    assert same_recall(observed(collection)).outcome is outcome


def test_index_that_found_some_may_find_a_little_less_and_one_that_found_all_may_not():
    """Figures as measured: two builds of one collection of random vectors, two starts of one of ip."""
    before = fingerprint(printed(recall=Recall(502, 640, 5000, 5000)))
    rebuilt = observed(printed(recall=Recall(490, 640, 5000, 5000)))
    worse = observed(printed(recall=Recall(440, 640, 5000, 5000)))
    lost = observed(printed(recall=Recall(502, 640, 4900, 5000)))

    assert same_recall(rebuilt, before).outcome is Outcome.PASS
    assert same_recall(worse, before).outcome is Outcome.FAIL
    assert same_recall(lost, before).outcome is Outcome.FAIL
    started = observed(printed(recall=Recall(603, 640, 5000, 5000)))
    source = fingerprint(printed(recall=Recall(611, 640, 5000, 5000)))
    assert same_recall(started, source).outcome is Outcome.PASS


def ring(missed=frozenset(), *, found=lambda _: 10):
    """128 records on a ring, 64 of them asked for their ten neighbours: each is one of five."""
    questions = []
    for place in range(0, 128, 2):
        near = [f"r{(place + step) % 128}" for step in range(10)]
        expected = tuple((record, 0.1 * rank) for rank, record in enumerate(near))
        answered = tuple(pair for pair in expected[: found(place)] if pair[0] not in missed)
        questions.append(Answer("neighbours", {"id": f"r{place}"}, expected, answered))
    returned = sum(len(answer.answered) for answer in questions)
    recall = Recall(returned, 640, 128 - len(missed), 128, tuple(sorted(missed)))
    return printed(answers=tuple(questions), recall=recall, count=128)


def test_three_records_that_no_search_gets_to_take_all_their_places_with_them():
    """A server that started again once missed 15 of 640 neighbours, and no record but two or three."""
    source = fingerprint(ring())
    assert same_recall(observed(ring({"r3", "r5", "r90"})), source).outcome is Outcome.PASS
    assert same_recall(observed(ring({"r3", "r5", "r90", "r7"})), source).outcome is Outcome.FAIL
    # all records find themselves, and 64 neighbours are missed
    fewer = observed(ring(found=lambda _: 9))
    assert same_recall(fewer, source).outcome is Outcome.FAIL


def test_neighbours_of_one_question_are_found_or_missed_together():
    """In a light index one wrong turn loses all ten: the question varies, not the neighbour."""
    source = ring(found=lambda place: 10 if place // 2 % 2 else 0)
    fewer = ring(found=lambda place: 10 if place // 2 % 2 and place > 24 else 0)
    assert source.recall.found - fewer.recall.found == 60
    assert same_recall(observed(fewer), fingerprint(source)).outcome is Outcome.PASS
    blind = ring(found=lambda place: 10 if place // 2 % 2 and place > 90 else 0)
    assert same_recall(observed(blind), fingerprint(source)).outcome is Outcome.FAIL


def test_sample_that_found_all_is_no_promise_for_every_record():
    """Measured: all 209 asked for a recording found themselves, 22 of the copy's 2,000 did not."""
    source = fingerprint(printed(recall=Recall(0, 0, 209, 209)))
    copy = observed(printed(recall=Recall(640, 640, 1978, 2000)))
    blind = observed(printed(recall=Recall(640, 640, 1800, 2000)))
    assert same_recall(copy, source).outcome is Outcome.PASS
    assert same_recall(blind, source).outcome is Outcome.FAIL
