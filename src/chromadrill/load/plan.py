"""Everything a run needs, fixed before its first arrival: what a worker gets told, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.datasets.probes import KnownAnswer, own_records
from chromadrill.datasets.questions import questions
from chromadrill.errors import DrillError, Unavailable
from chromadrill.load import operations, schedule
from chromadrill.load.operations import Operation
from chromadrill.load.profiles import PROFILES, Profile
from chromadrill.model import JSON, CollectionInfo, Scope

QUESTIONS = 64
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
        """The plan of a run that was told to end at `at` (UTC epoch seconds).

        What could be open then is not asked for: every arrival due before that must have a sample.
        """
        open_s = PROFILES[self.profile].timeout_s + STARTED_S
        return replace(self, seconds=min(self.seconds, max(0.0, at - self.begins_at - open_s)))

    def to_json(self) -> JSON:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: JSON) -> Plan:
        made = tuple(Operation(**each) for each in raw["operations"])
        return cls(**{**raw, "operations": made})


def known(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[str, list[KnownAnswer]]:
    """Questions with known answers, and what they are. Only reads.

    Raises Unavailable where there is nothing to ask, AnswersWrong where no answer is right,
    CallFailed where the server does not answer.
    """
    asked = questions(chroma, scopes, QUESTIONS)
    if asked:
        return "questions about the standard dataset, answers by exact search", asked
    asked = own_records(chroma, scopes, QUESTIONS)
    if asked:
        return "the target's own records, each to be found by its own vector", asked
    held = max((chroma.count(i) for s in scopes for i in chroma.collections(s)), default=0)
    if not held:
        raise Unavailable(f"{chroma.url} holds no records to search for.")
    raise AnswersWrong(
        f"{chroma.url} holds a collection of {held} records, and a search with a record's own"
        f" vector found none of the {min(held, QUESTIONS)} that were tried."
    )


def prepared(
    chroma: Chroma, profile: Profile, asked: Sequence[KnownAnswer], own: CollectionInfo | None
) -> tuple[Operation, ...]:
    """One cycle of requests. Collections are looked up here, once. `own`: where writes go."""
    infos = {
        (each.scope, each.collection): chroma.collection(each.scope, each.collection)
        for each in asked
    }
    made: dict[str, list[Operation]] = {}
    for kind in profile.mix:
        if kind == "upsert":
            if own is None:
                raise ValueError(f"profile {profile.name} writes and was given no own collection")
            size = len(asked[0].vector)
            made[kind] = [operations.upsert(n, own, size) for n in range(operations.WRITES)]
        else:
            make = {"search": operations.search, "get": operations.get}[kind]
            made[kind] = [make(each, infos[each.scope, each.collection]) for each in asked]
    return tuple(operations.interleaved(profile.mix, made))
