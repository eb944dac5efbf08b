"""How long a search takes, as its client sees it: raw samples, one query at a time."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Samples
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.queries.query_kinds import searches
from chromadrill.workload.queries.timed import Asked, timed


def time_answers(chroma: Chroma, asked: Sequence[KnownAnswer], wanted: int) -> Samples:
    """Ask these questions in turn until `wanted` were asked, in milliseconds an answer.

    A failed query and a wrong answer are errors, never a fast answer. No questions: no samples.
    Raises CallFailed where a collection is not there.
    """
    infos = {each: chroma.collection(*each) for each in {(e.scope, e.collection) for e in asked}}
    made = [q for e in asked for q in searches(chroma, infos[e.scope, e.collection], [e])]
    answers = Asked()
    took: list[float] = []
    for number in range(wanted if made else 0):
        chroma.wait_turn()  # production is asked only so often; the clock starts after the wait
        took.append(timed(answers, made[number % len(made)]))
        if answers.hangs:
            break
    return answers.samples(took)
