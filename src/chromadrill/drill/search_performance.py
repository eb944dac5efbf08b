"""The runbook's search validation: searches of a running server, each in time and right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chromadrill.checks.latency import every_under, finds_own_records
from chromadrill.checks.objectives import percentile
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope, Verdict
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.latency import time_calls
from chromadrill.workload.queries.query_kinds import searches
from chromadrill.workload.queries.self_queries import self_queries

WARM = 3


@dataclass(frozen=True, slots=True)
class SearchPerformance:
    """What was searched, the verdicts, and the percentiles in milliseconds (None: too few)."""

    counts: Mapping[str, int]
    verdicts: tuple[Verdict, ...]
    milliseconds: Mapping[str, float | int | None]


def measure_search(
    chroma: Chroma, scopes: Sequence[Scope], queries: int, limit_ms: float
) -> SearchPerformance:
    """Search the largest collection `queries` times by its own records. Raises CallFailed."""
    questions = self_queries(chroma, scopes or (Scope(),), min(queries, QUESTIONS))
    calls = searches(chroma, questions.info, questions.right) if questions.info else []
    answers = time_calls(chroma, calls, queries, warm_up=WARM)
    samples = answers.samples()
    right_ms = samples.milliseconds
    return SearchPerformance(
        {questions.info.key: questions.records} if questions.info else {},
        (
            finds_own_records(
                questions.tried,
                len(questions.right),
                questions.missed,
                unreached=len(questions.unreached),
            ),
            every_under("every search", samples, limit_ms, at_least=queries),
        ),
        {
            "queries": len(answers.milliseconds),
            **{f"p{rank}_ms": percentile(right_ms, rank) for rank in (50, 90, 95, 99)},
            "max_ms": round(max(right_ms), 3) if right_ms else None,
        },
    )
