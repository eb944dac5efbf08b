"""The runbook's search validation: searches of a running server, each in time and right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chromadrill.checks.latency import every_under, found_themselves
from chromadrill.checks.objectives import percentile
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope, Verdict
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.query_kinds import searches
from chromadrill.workload.queries.self_queries import own_questions
from chromadrill.workload.queries.timed import Asked, timed

WARM = 3


@dataclass(frozen=True, slots=True)
class Performance:
    """What was searched, the verdicts, and the percentiles in milliseconds (None: too few)."""

    counts: Mapping[str, int]
    verdicts: tuple[Verdict, ...]
    milliseconds: Mapping[str, float | int | None]


def performance(
    chroma: Chroma, scopes: Sequence[Scope], queries: int, limit_ms: float
) -> Performance:
    """Search the largest collection `queries` times by its own records. Raises CallFailed."""
    own = own_questions(chroma, scopes or (Scope(),), min(queries, QUESTIONS))
    took: list[float] = []
    answers = Asked()
    if own.info is not None and own.right:
        asked = searches(chroma, own.info, own.right)
        for each in asked[:WARM]:
            answers.ask(each)
        for number in range(queries):
            chroma.wait_turn()  # no part of the answer's time
            took.append(timed(answers, asked[number % len(asked)]))
            if answers.hangs:
                break
    samples = answers.samples(took)
    verdicts = (
        found_themselves(own.tried, len(own.right), own.missed),
        every_under("every search", samples, limit_ms, at_least=queries),
    )
    good = samples.milliseconds
    return Performance(
        {own.info.key: own.records} if own.info else {},
        verdicts,
        {
            "queries": len(took),
            **{f"p{rank}_ms": percentile(good, rank) for rank in (50, 90, 95, 99)},
            "max_ms": round(max(good), 3) if good else None,
        },
    )
