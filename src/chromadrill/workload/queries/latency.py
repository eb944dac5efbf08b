"""How long a search takes, as its client sees it: raw samples, one query at a time."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Samples
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.queries.query_kinds import searches
from chromadrill.workload.queries.timed import GradedCall, TimedAnswers


def time_answers(chroma: Chroma, questions: Sequence[KnownAnswer], wanted: int) -> Samples:
    """Ask these questions in turn until `wanted` were asked, in milliseconds an answer.

    A failed query and a wrong answer are errors, never a fast answer. No questions: no samples.
    Raises CallFailed where a collection is not there.
    """
    places = {(question.scope, question.collection) for question in questions}
    infos = {place: chroma.collection(*place) for place in places}
    calls = [
        call
        for question in questions
        for call in searches(chroma, infos[question.scope, question.collection], [question])
    ]
    return time_calls(chroma, calls, wanted).samples()


def time_calls(
    chroma: Chroma, calls: Sequence[GradedCall], wanted: int, *, warm_up: int = 0
) -> TimedAnswers:
    """Make these calls in turn until `wanted` were timed; the first `warm_up` once before, untimed.

    A server that hangs ends it early.
    """
    answers = TimedAnswers()
    for call in calls[:warm_up]:
        answers.ask(call)
    for number in range(wanted if calls else 0):
        chroma.take_turn_ahead()  # production is asked only so often; the clock starts after the wait
        answers.time(calls[number % len(calls)])
        if answers.hangs:
            break
    return answers
