"""The known-answer queries of one look: collection after collection, each in its turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.monitoring.samples import Clock
from chromadrill.workload.queries.sampled_records import CollectionSample, ask_collection

ROUND_S = 3.0
GONE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Round:
    """`wrong`: "" where all is right. `search_ms`: of the slowest search, in `slowest`, if any."""

    wrong: str
    search_ms: float | None
    slowest: str


@dataclass
class QueryRotation:
    """Asks one collection after the other for at most 3 s a round; the next round goes on from there.

    A collection that answered wrong is asked first by the next round. Each round repeats the
    previous round's slowest collection, unless it has met one slower than `slow_ms` already.
    Otherwise one slow collection among many would be missed.

    A collection that is gone, or all of whose known records are gone, is wrong for an hour. Then
    the rotation is over: if that was on purpose, nobody is to be called for ever.
    """

    turn: list[CollectionSample]
    slow_ms: float
    clock: Clock
    _slowest: str = field(default="", init=False)
    _gone_since: dict[str, float] = field(default_factory=dict, init=False)

    @property
    def is_over(self) -> bool:
        return any(self.clock() - since > GONE_S for since in self._gone_since.values())

    def ask(self, chroma: Chroma, timeout_s: float) -> Round:
        """One round. `timeout_s`: a search that timed out took at least so long.

        Raises CallFailed where something in front of the server did not let a question through.
        """
        started, waiting = self.clock(), self.turn
        wrong: list[str] = []
        first: list[CollectionSample] = []
        last: list[CollectionSample] = []
        took_ms: dict[str, float] = {}
        while waiting:
            if (first or last) and self.clock() - started >= ROUND_S:
                slowest = [sample for sample in waiting if _name(sample) == self._slowest]
                if not slowest or max(took_ms.values(), default=0.0) > self.slow_ms:
                    break
                waiting = [*slowest, *(sample for sample in waiting if sample not in slowest)]
            sample, *waiting = waiting
            name = _name(sample)
            try:
                answer = ask_collection(chroma, sample)
            except CallFailed as error:
                if error.is_access:
                    self.turn = [*first, sample, *waiting, *last]
                    raise
                # nothing answers: the others would only take their time
                wrong.append(str(error)[:300])
                first.insert(0, sample)
                if error.is_timeout and error.call.endswith("/query"):
                    took_ms[name] = 1000 * timeout_s
                break
            if answer.is_gone:
                self._gone_since.setdefault(name, self.clock())
            else:
                self._gone_since.pop(name, None)
            if answer.search_ms is not None:
                took_ms[name] = answer.search_ms
            (first if answer.wrong else last).append(answer.questions)
            wrong += [answer.wrong] if answer.wrong else []
        self.turn = [*first, *waiting, *last]
        self._slowest = max(took_ms, key=lambda name: took_ms[name], default="")
        return Round(wrong[0] if wrong else "", took_ms.get(self._slowest), self._slowest)


def by_collection(samples: Iterable[CollectionSample]) -> dict[str, CollectionSample]:
    """Samples by TENANT/DATABASE/NAME: a rotation has one of each collection."""
    return {_name(sample): sample for sample in samples}


def _name(sample: CollectionSample) -> str:
    return f"{sample[0].scope}/{sample[0].collection}"
