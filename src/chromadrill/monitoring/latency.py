"""How long a search takes, as its client sees it: raw samples, one query at a time."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.clock import now
from chromadrill.datasets.probes import KnownAnswer, own_records
from chromadrill.model import Samples, Scope

QUESTIONS = 64  # different ones; asked in turn


def time_searches(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> Samples:
    """Ask `wanted` questions, records' own vectors, of the largest collection.

    No collection with records: no samples.
    """
    return time_answers(chroma, own_records(chroma, scopes, min(wanted, QUESTIONS)), wanted)


def time_answers(chroma: Chroma, asked: Sequence[KnownAnswer], wanted: int) -> Samples:
    """Ask these questions in turn until `wanted` were asked, in milliseconds an answer.

    A failed query and a wrong answer are errors, never a fast answer. No questions: no samples.
    """
    samples: list[float] = []
    errors: list[str] = []
    infos = {
        (each.scope, each.collection): chroma.collection(each.scope, each.collection)
        for each in {(e.scope, e.collection): e for e in asked}.values()
    }
    for number in range(wanted if asked else 0):
        each = asked[number % len(asked)]
        started = now()
        try:
            wrong = each.asked_of(chroma, infos[each.scope, each.collection])
        except CallFailed as error:
            errors.append(str(error))
            continue
        took = 1000 * (now() - started)
        if wrong:
            errors.append(f"wrong answer: {wrong}")
        else:
            samples.append(took)
    return Samples(tuple(samples), tuple(errors))
