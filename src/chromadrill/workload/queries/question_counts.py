"""Answers to the user's questions, counted one after the other: no answer is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from chromadrill.core.model import QuestionCounts, QuestionExample, QuestionState, WhyUnasked
from chromadrill.workload.queries.user_questions import QuestionAnswer

Key = TypeVar("Key", QuestionState, WhyUnasked)
NEVER_MERELY_TOLD = frozenset({QuestionState.FAILED, QuestionState.UNASKED})
DECIDED = frozenset({QuestionState.FOUND, QuestionState.OUTRANKED, QuestionState.LOST})


def count_answers(
    answers: Iterable[QuestionAnswer], *, file: str, lines: int, nearest: int
) -> QuestionCounts:
    """What became of the questions of `file`, which has `lines` of them."""
    states: Counter[QuestionState] = Counter()
    unasked: Counter[WhyUnasked] = Counter()
    examples: dict[QuestionState, QuestionExample] = {}
    why_unasked: dict[WhyUnasked, QuestionExample] = {}
    unjudged = decided = first_hits = hits = recorded = recorded_first = 0
    for answer in answers:
        # a question that found nothing when it was recorded is not wanted to find anything now
        if not answer.is_expected and answer.state not in NEVER_MERELY_TOLD:
            unjudged += 1
            continue
        states[answer.state] += 1
        _keep_first(examples, answer.state, answer)
        if answer.why_unasked is not None:
            unasked[answer.why_unasked] += 1
            _keep_first(why_unasked, answer.why_unasked, answer)
        if answer.state not in DECIDED:
            continue
        decided += 1
        hits += answer.rank is not None
        first_hits += answer.rank == 1
        if answer.question is not None and answer.question.recorded:
            recorded += 1
            recorded_first += answer.question.rank == 1
    return QuestionCounts(
        file=file,
        lines=lines,
        chosen=sum(states.values()) + unjudged,
        nearest=nearest,
        unjudged=unjudged,
        decided=decided,
        first_hits=first_hits,
        hits=hits,
        states=dict(states),
        examples=examples,
        unasked=dict(unasked),
        why_unasked=why_unasked,
        recorded_first=recorded_first if decided and recorded == decided else None,
    )


def _keep_first(examples: dict[Key, QuestionExample], key: Key, answer: QuestionAnswer) -> None:
    """Keep the example with the lowest line."""
    if answer.message and (key not in examples or answer.line < examples[key].line):
        examples[key] = QuestionExample(answer.line, answer.message)
