"""One look at a server over HTTP: heartbeat, healthcheck, known-answer queries, a write of our own."""

from __future__ import annotations

import hashlib
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.access_errors import CLOSED, PROXY
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, CollectionInfo, Outcome, Scope
from chromadrill.core.urls import without_password
from chromadrill.monitoring import samples
from chromadrill.monitoring.query_rotation import QueryRotation, by_collection
from chromadrill.monitoring.samples import Clock, Sample
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.queries.sampled_records import CollectionSample, sample_collections

# a tenant of our own: no fingerprint of anybody's scopes sees it
OURS, CANARY = Scope("chromadrill-monitor", "canary"), "canary"
NOTHING = "no record to ask about"
OWN_HEALTH = "is_executor_ready"  # in Chroma's own answer of 503, never in a gateway's
LONGEST = 500  # characters of what is wrong
OWN_QUESTIONS = 5  # of the user's, of one collection


@dataclass
class HttpCollector:
    """Looks at `url`; every call is given up after `timeout_s`.

    The questions are chosen at the first look that finds records. `writes`: also write one record
    in a collection of our own; a live server that lost its volume shows it only so. `slow_ms`: a
    slower search is looked at again by the next look.

    `behind_gateway`: something that is not ours may stand in front. What it does not let through is a
    sample of access and says nothing of the data. A service whose heartbeat a gateway answers with 5xx,
    or closes the connection over, is down for every client.

    `questions`: the user's own; of their collections they take the place of questions that are chosen.
    `note` is told, once, what of them cannot be asked.
    """

    url: str
    scopes: Sequence[Scope]
    timeout_s: float
    writes: bool = False
    slow_ms: float = 2000.0
    behind_gateway: bool = False
    questions: ConfiguredQuestions | None = None
    note: Callable[[str], None] = lambda message: None
    _noted: str = field(default="", init=False)
    _rotation: QueryRotation | None = field(default=None, init=False)

    @property
    def signals(self) -> tuple[str, ...]:
        reads = (samples.HEALTH, samples.ACCESS, samples.ANSWERS, samples.SEARCH, samples.RECORDS)
        return (*reads, samples.WRITES) if self.writes else reads

    def collect(self, clock: Clock) -> list[Sample]:
        """Samples of one look; of a dead server its health alone, for it answers nothing else."""
        collected: list[Sample] = []
        refusal = ""
        with Chroma(
            self.url,
            timeout_s=self.timeout_s,
            behind_gateway=self.behind_gateway,
            longest_pause_s=self.timeout_s,
        ) as chroma:
            try:
                health = _sample_of(samples.HEALTH, lambda: _check_health(chroma), clock)
                if health.value != 1:
                    return [health]
                collected.append(health)
                self._look(chroma, clock, collected)
            except CallFailed as error:  # of access alone
                refusal = str(error)[:LONGEST]
        access = Sample(clock(), samples.ACCESS, 0.0 if refusal else 1.0, refusal)
        return [*collected, access]

    def _look(self, chroma: Chroma, clock: Clock, collected: list[Sample]) -> None:
        """Add the samples of a server that lives. Raises CallFailed where it is not let in."""
        answers = _sample_of(samples.ANSWERS, lambda: self._ask(chroma, collected, clock), clock)
        if not answers.value and answers.detail.endswith(NOTHING):
            answers = Sample(answers.at, samples.ANSWERS, None, answers.detail)
        collected.append(answers)
        if self.writes:
            collected.append(_sample_of(samples.WRITES, lambda: self._write(chroma), clock))

    def _ask(self, chroma: Chroma, more: list[Sample], clock: Clock) -> str:
        """Empty when all is right; adds samples of records and search on its way."""
        total = sum(chroma.count(info) for s in self.scopes for info in chroma.collections(s))
        more.append(Sample(clock(), samples.RECORDS, float(total)))
        if self._rotation is None or self._rotation.is_over:
            sampled = sample_collections(chroma, self.scopes)
            own, wrong = self._own_samples(chroma)
            if sampled.wrong or wrong:
                self._rotation = None
                return (*sampled.wrong, wrong)[0]
            if not (sampled.samples or own):
                return NOTHING
            turn = list({**by_collection(sampled.samples), **by_collection(own)}.values())
            self._rotation = QueryRotation(turn, self.slow_ms, clock)
        answer = self._rotation.ask(chroma, self.timeout_s)
        if answer.search_ms is not None:
            more.append(Sample(clock(), samples.SEARCH, answer.search_ms, f"in {answer.slowest}"))
        return answer.wrong

    def _own_samples(self, chroma: Chroma) -> tuple[list[CollectionSample], str]:
        """The user's own questions by collection, and what is wrong with them today; "": nothing."""
        if self.questions is None:
            return [], ""
        try:
            asked = self.questions.right_now(chroma, OWN_QUESTIONS)
        except Unavailable as error:
            self._note(str(error))
            return [], ""
        if asked.verdict.outcome is Outcome.FAIL:
            return [], f"your questions: {asked.verdict.message}"
        if asked.verdict.outcome is not Outcome.PASS:
            self._note(asked.verdict.message)
        groups: dict[str, list[KnownAnswer]] = {}
        for question in asked.right:
            groups.setdefault(f"{question.scope}/{question.collection}", []).append(question)
        return [tuple(group) for group in groups.values()], ""

    def _note(self, message: str) -> None:
        if message != self._noted:
            self.note(f"Your questions are not all asked: {message}")
        self._noted = message

    def _write(self, chroma: Chroma) -> str:
        """One record, always the same one: a collection made anew for each look would leave its
        directory behind each time (measured), until the disk is full of them."""
        info, record_id = _canary(chroma), canary_id(self.url)
        vector = np.ones((1, 2), np.float32)
        for _ in range(2):  # between writing and reading, another monitor here may have written it
            metadata: JSON = {"look": uuid.uuid4().hex}
            chroma.upsert(info, ids=[record_id], vectors=vector, metadatas=[metadata])
            answer = chroma.get(info, ids=[record_id], include=("metadatas",))
            if answer["metadatas"] == [metadata]:
                return ""
        return "what was just written is not there"


def canary_id(url: str) -> str:
    """One record a host and target, however often a monitor is started there."""
    pair = f"{socket.gethostname()} {without_password(url.rstrip('/'))}"
    return f"monitor-{hashlib.sha256(pair.encode()).hexdigest()[:12]}"


def _canary(chroma: Chroma) -> CollectionInfo:
    """The collection for writes, made where it is not there."""
    try:
        return chroma.collection(OURS, CANARY)
    except CallFailed as error:
        if not error.is_missing:
            raise
    if not chroma.tenant_exists(OURS.tenant):
        chroma.create_tenant(OURS.tenant)
    if OURS.database not in chroma.databases(OURS.tenant):
        chroma.create_database(OURS)
    return chroma.create_collection(OURS, CANARY)


def _sample_of(signal: str, ask: Callable[[], str], clock: Clock) -> Sample:
    """1 where `ask` returns an empty sentence, 0 with its sentence or with how it failed.

    Raises CallFailed where something in front of the server did not let it through.
    """
    try:
        wrong = ask()
    except CallFailed as error:
        if error.is_access:
            raise
        wrong = str(error)[:LONGEST]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        wrong = f"strange answer: {error!r}"[:LONGEST]
    return Sample(clock(), signal, 0.0 if wrong else 1.0, wrong)


def _check_health(chroma: Chroma) -> str:
    """Why the service is down for every client, "" where it is not; raises as `_sample_of`."""
    try:
        chroma.heartbeat()
    except CallFailed as error:
        is_down = error.status >= 500 or error.message.startswith(CLOSED)
        if error.is_access and (not is_down or error.message.startswith(PROXY)):
            raise
        return str(error)[:LONGEST]
    try:
        chroma.healthcheck()
    except CallFailed as error:
        if error.is_access and OWN_HEALTH not in error.message:
            raise
        return str(error)[:LONGEST]
    return ""
