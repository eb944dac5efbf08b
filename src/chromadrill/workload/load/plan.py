"""Everything a load run needs, fixed before its first arrival, as the plain data a worker gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from chromadrill.checks.latency import finds_own_records
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import JSON, CollectionInfo, Outcome, Scope, Verdict
from chromadrill.workload.load import requests, schedule
from chromadrill.workload.load.profiles import PROFILES, Profile
from chromadrill.workload.load.requests import LoadRequest
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions
from chromadrill.workload.queries.ground_truth import ground_truth_questions
from chromadrill.workload.queries.known_answer import QUESTIONS, KnownAnswer
from chromadrill.workload.queries.self_queries import self_queries

STARTED_S = 1.0  # how late an arrival may have been started, and its sample be on its way


class AnswersWrong(DrillError):
    """The server answers, and not one question rightly: a FAIL, no want of questions."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`begins_at`: UTC epoch seconds, the same for all workers. `source`: what the questions are."""

    run: str
    host: str
    profile: str
    seconds: float
    workers: int
    begins_at: float
    source: str
    requests: tuple[LoadRequest, ...]

    @property
    def due(self) -> np.ndarray:
        """Intended starts of all arrivals, seconds from the begin."""
        return schedule.arrivals(PROFILES[self.profile].stages, self.seconds)

    def request(self, arrival: int) -> LoadRequest:
        return self.requests[arrival % len(self.requests)]

    def cut_at(self, ended_at: float) -> LoadPlan:
        """The plan of a run that was ended at that moment (UTC epoch seconds), before its schedule.

        An arrival that could still be open then need not have a sample; every earlier one must.
        """
        open_s = PROFILES[self.profile].timeout_s + STARTED_S
        ran_s = max(0.0, ended_at - self.begins_at - open_s)
        return replace(self, seconds=min(self.seconds, ran_s))

    def to_json(self) -> JSON:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: JSON) -> LoadPlan:
        sent = tuple(LoadRequest(**request) for request in raw["requests"])
        return cls(**{**raw, "requests": sent})


@dataclass(frozen=True, slots=True)
class LoadQuestions:
    """The questions answered rightly before the run, and the verdicts on all that were asked."""

    source: str
    right: tuple[KnownAnswer, ...]
    verdicts: tuple[Verdict, ...]


def choose_questions(
    chroma: Chroma, scopes: Sequence[Scope], own: ConfiguredQuestions | None = None
) -> LoadQuestions:
    """Questions with known answers: the user's `own`, else of the target's records. Only reads.

    Raises Unavailable where there is nothing to ask, AnswersWrong where no answer is right,
    CallFailed where the server does not answer.
    """
    asked = own.right_now(chroma) if own else None
    if own and asked and asked.right:
        return LoadQuestions(
            f"your questions of {own.file.path.name}", asked.right, (asked.verdict,)
        )
    if asked and asked.verdict.outcome is Outcome.FAIL:
        raise AnswersWrong(f"{chroma.url}, your questions: {asked.verdict.message}.")
    source = "questions about the standard dataset, answers by exact search"
    questions = ground_truth_questions(chroma, scopes, QUESTIONS)
    if questions is None or not (questions.right or questions.missed or questions.unreached):
        source = "the target's own records, each to be found by its own vector"
        questions = self_queries(chroma, scopes, QUESTIONS)
    tried, right, missed = questions.tried, questions.right, questions.missed
    if not tried:
        raise Unavailable(f"{chroma.url} holds no records to search for.")
    if not right:
        raise AnswersWrong(
            f"{chroma.url} answers none of {tried} questions rightly before the run: {source}."
        )
    verdict = finds_own_records(
        tried, len(right), missed, unreached=len(questions.unreached), check="questions"
    )
    return LoadQuestions(source, right, (verdict, *([asked.verdict] if asked else [])))


def build_requests(
    chroma: Chroma,
    profile: Profile,
    questions: Sequence[KnownAnswer],
    write_into: CollectionInfo | None,
) -> tuple[LoadRequest, ...]:
    """One cycle of requests. Collections are looked up here, once."""
    infos = {
        (scope, name): chroma.collection(scope, name)
        for scope, name in {(question.scope, question.collection) for question in questions}
    }
    counts = {key: chroma.count(info) for key, info in infos.items()}
    by_kind: dict[str, list[LoadRequest]] = {}
    for kind in profile.mix:
        if kind == "upsert":
            if write_into is None:
                raise ValueError(f"profile {profile.name} writes and was given no own collection")
            size = len(questions[0].vector)
            by_kind[kind] = [requests.upsert(n, write_into, size) for n in range(requests.WRITES)]
        else:
            by_kind[kind] = []
            for question in questions:
                key = question.scope, question.collection
                if kind == "get":
                    by_kind[kind].append(requests.get(question, infos[key]))
                else:
                    by_kind[kind].append(requests.search(question, infos[key], counts[key]))
    return tuple(requests.interleave(profile.mix, by_kind))
