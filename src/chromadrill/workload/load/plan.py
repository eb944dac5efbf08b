"""Everything a run needs, fixed before its first arrival: what a worker gets told, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from chromadrill.checks.latency import finds_own_records
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import JSON, CollectionInfo, Scope, Verdict
from chromadrill.workload.load import requests, schedule
from chromadrill.workload.load.profiles import PROFILES, Profile
from chromadrill.workload.load.requests import Operation
from chromadrill.workload.queries.ground_truth import ground_truth_questions
from chromadrill.workload.queries.known_answer import QUESTIONS, KnownAnswer
from chromadrill.workload.queries.self_queries import self_queries

STARTED_S = 1.0  # how late an arrival may have been started, and its sample be on its way


class AnswersWrong(DrillError):
    """The server answers, and not one question rightly: a FAIL, no want of questions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`begins_at`: UTC epoch seconds, one begin for all workers. `source`: what the questions are."""

    run: str
    host: str
    profile: str
    seconds: float
    workers: int
    begins_at: float
    source: str
    operations: tuple[Operation, ...]

    @property
    def due(self) -> np.ndarray:
        """Intended starts of all arrivals, seconds from the begin."""
        return schedule.arrivals(PROFILES[self.profile].stages, self.seconds)

    def operation(self, arrival: int) -> Operation:
        return self.operations[arrival % len(self.operations)]

    def ended(self, at: float) -> Plan:
        """The plan of a run that was told to end at `at` (UTC epoch seconds), before its schedule.

        What could be open then need not have a sample: every arrival due before that must.
        """
        open_s = PROFILES[self.profile].timeout_s + STARTED_S
        return replace(self, seconds=min(self.seconds, max(0.0, at - self.begins_at - open_s)))

    def to_json(self) -> JSON:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: JSON) -> Plan:
        made = tuple(Operation(**each) for each in raw["operations"])
        return cls(**{**raw, "operations": made})


@dataclass(frozen=True, slots=True)
class Known:
    """The questions that are answered rightly before the run, and the verdict on the others."""

    source: str
    asked: tuple[KnownAnswer, ...]
    verdict: Verdict


def known(chroma: Chroma, scopes: Sequence[Scope]) -> Known:
    """Questions with known answers. Only reads.

    Raises Unavailable where there is nothing to ask, AnswersWrong where no answer is right,
    CallFailed where the server does not answer.
    """
    source = "questions about the standard dataset, answers by exact search"
    found = ground_truth_questions(chroma, scopes, QUESTIONS)
    if found is None or not (found.right or found.missed):
        source = "the target's own records, each to be found by its own vector"
        found = self_queries(chroma, scopes, QUESTIONS)
    if not found.tried:
        raise Unavailable(f"{chroma.url} holds no records to search for.")
    if not found.right:
        raise AnswersWrong(
            f"{chroma.url} answers none of {found.tried} questions rightly before the run: {source}."
        )
    verdict = finds_own_records(found.tried, len(found.right), found.missed, check="questions")
    return Known(source, found.right, verdict)


def prepared(
    chroma: Chroma, profile: Profile, asked: Sequence[KnownAnswer], own: CollectionInfo | None
) -> tuple[Operation, ...]:
    """One cycle of requests. Collections are looked up here, once. `own`: where writes go."""
    infos = {
        (scope, name): chroma.collection(scope, name)
        for scope, name in {(each.scope, each.collection) for each in asked}
    }
    counts = {key: chroma.count(info) for key, info in infos.items()}
    made: dict[str, list[Operation]] = {}
    for kind in profile.mix:
        if kind == "upsert":
            if own is None:
                raise ValueError(f"profile {profile.name} writes and was given no own collection")
            size = len(asked[0].vector)
            made[kind] = [requests.upsert(n, own, size) for n in range(requests.WRITES)]
        else:
            made[kind] = []
            for each in asked:
                key = each.scope, each.collection
                if kind == "get":
                    made[kind].append(requests.get(each, infos[key]))
                else:
                    made[kind].append(requests.search(each, infos[key], counts[key]))
    return tuple(requests.interleaved(profile.mix, made))
