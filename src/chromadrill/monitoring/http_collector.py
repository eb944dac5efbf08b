"""One look at a server over HTTP: heartbeat, healthcheck, known questions, a write of our own."""

from __future__ import annotations

import hashlib
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.core.urls import without_password
from chromadrill.monitoring import samples
from chromadrill.monitoring.query_rotation import Rounds
from chromadrill.monitoring.samples import Sample
from chromadrill.workload.queries.sampled_records import sample_collections

# a tenant of our own: no fingerprint of anybody's scopes sees it
OURS, CANARY = Scope("chromadrill-monitor", "canary"), "canary"
NOTHING = "no record to ask about"


@dataclass
class Eyes:
    """Looks at `url`; every call is given up after `timeout_s`.

    The questions are chosen at the first look that finds records. `writes`: also write one record
    in a collection of our own; a live server that lost its volume shows it only so. `slow_ms`: a
    slower search is looked at again by the next look.
    """

    url: str
    scopes: Sequence[Scope]
    timeout_s: float
    writes: bool = False
    slow_ms: float = 2000.0
    _rounds: Rounds | None = field(default=None, init=False)

    @property
    def signals(self) -> tuple[str, ...]:
        seen = (samples.HEALTH, samples.ANSWERS, samples.SEARCH, samples.RECORDS)
        return (*seen, samples.WRITES) if self.writes else seen

    def look(self) -> list[Sample]:
        """What it does not come to is left out: of a dead server nobody knows what it would answer."""
        with Chroma(self.url, timeout_s=self.timeout_s) as chroma:
            healthy = _tried(samples.HEALTH, lambda: _alive(chroma))
            if healthy.value != 1:
                return [healthy]
            found = [healthy, *self._answers(chroma)]
            if self.writes:
                found.append(_tried(samples.WRITES, lambda: self._write(chroma)))
            return found

    def _answers(self, chroma: Chroma) -> list[Sample]:
        found: list[Sample] = []
        answered = _tried(samples.ANSWERS, lambda: self._ask(chroma, found))
        if not answered.value and answered.detail.endswith(NOTHING):
            answered = Sample(answered.at, samples.ANSWERS, None, answered.detail)
        return [answered, *found]

    def _ask(self, chroma: Chroma, found: list[Sample]) -> str:
        """Empty when all is right; adds samples of records and search on its way."""
        total = sum(chroma.count(info) for s in self.scopes for info in chroma.collections(s))
        found.append(Sample(now(), samples.RECORDS, float(total)))
        if self._rounds is None or self._rounds.over:
            sampled = sample_collections(chroma, self.scopes)
            if sampled.wrong:
                self._rounds = None
                return sampled.wrong[0]
            if not sampled.samples:
                return NOTHING
            self._rounds = Rounds(list(sampled.samples), self.slow_ms)
        said = self._rounds.ask(chroma, self.timeout_s)
        if said.search_ms is not None:
            found.append(Sample(now(), samples.SEARCH, said.search_ms, f"in {said.slowest}"))
        return said.wrong

    def _write(self, chroma: Chroma) -> str:
        """One record, always the same one: a collection made anew for each look would leave its
        directory behind each time (measured), until the disk is full of them."""
        info, name = _canary(chroma), canary_id(self.url)
        for _ in range(2):  # between writing and reading, another monitor here may have written it
            said: JSON = {"look": uuid.uuid4().hex}
            chroma.upsert(info, ids=[name], vectors=np.ones((1, 2), np.float32), metadatas=[said])
            found = chroma.get(info, ids=[name], include=("metadatas",))
            if found["metadatas"] == [said]:
                return ""
        return "what was just written is not there"


def canary_id(url: str) -> str:
    """One record a host and target, however often a monitor is started there."""
    seen = f"{socket.gethostname()} {without_password(url.rstrip('/'))}"
    return f"monitor-{hashlib.sha256(seen.encode()).hexdigest()[:12]}"


def _canary(chroma: Chroma) -> CollectionInfo:
    """The collection for writes, made where it is not there."""
    try:
        return chroma.collection(OURS, CANARY)
    except CallFailed as error:
        if error.status != 404:
            raise
    if not chroma.tenant_exists(OURS.tenant):
        chroma.create_tenant(OURS.tenant)
    if OURS.database not in chroma.databases(OURS.tenant):
        chroma.create_database(OURS)
    return chroma.create_collection(OURS, CANARY)


def _tried(signal: str, ask: Callable[[], str]) -> Sample:
    """1 where `ask` returns an empty sentence, 0 with what it says or how it failed."""
    try:
        said = ask()
    except CallFailed as error:
        said = str(error)[:300]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        said = f"strange answer: {error!r}"[:300]
    return Sample(now(), signal, 0.0 if said else 1.0, said)


def _alive(chroma: Chroma) -> str:
    chroma.heartbeat()
    chroma.healthcheck()
    return ""
