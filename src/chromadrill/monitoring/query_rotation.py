"""The questions of one look: collection after collection, each in its turn; the slowest is timed."""

from __future__ import annotations

from dataclasses import dataclass, field

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
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
class Rounds:
    """Asks one collection after the other for at most 3 s a look; the next look goes on from there.

    What answered wrong is asked first by the next look. The slowest of a look is asked again by the
    next one where that comes to none over `slow_ms`: among many it would be seen too seldom.
    A collection that is gone, or all of whose known records are, is wrong for an hour; then it is
    `over`: if that was on purpose, nobody is to be called for ever.
    """

    turn: list[CollectionSample]
    slow_ms: float
    _slowest: str = field(default="", init=False)
    _gone: dict[str, float] = field(default_factory=dict, init=False)  # since when

    @property
    def over(self) -> bool:
        return any(now() - since > GONE_S for since in self._gone.values())

    def ask(self, chroma: Chroma, timeout_s: float) -> Round:
        """One look's questions. `timeout_s`: a search that timed out took at least so long."""
        started, waiting = now(), self.turn
        wrong: list[str] = []
        again: list[CollectionSample] = []
        done: list[CollectionSample] = []
        took: dict[str, float] = {}
        while waiting:
            if (again or done) and now() - started >= ROUND_S:
                before = [each for each in waiting if _name(each) == self._slowest]
                if not before or max(took.values(), default=0.0) > self.slow_ms:
                    break
                waiting = [*before, *(each for each in waiting if each not in before)]
            asked, *waiting = waiting
            name = _name(asked)
            try:
                said = ask_collection(chroma, asked)
            except CallFailed as error:  # nothing answers: the others would only take their time
                wrong.append(str(error)[:300])
                again.insert(0, asked)
                if error.is_timeout and error.call.endswith("/query"):
                    took[name] = 1000 * timeout_s
                break
            if said.is_gone:
                self._gone.setdefault(name, now())
            else:
                self._gone.pop(name, None)
            if said.search_ms is not None:
                took[name] = said.search_ms
            (again if said.wrong else done).append(said.questions)
            wrong += [said.wrong] if said.wrong else []
        self.turn = [*again, *waiting, *done]
        self._slowest = max(took, key=lambda each: took[each], default="")
        return Round(wrong[0] if wrong else "", took.get(self._slowest), self._slowest)


def _name(asked: CollectionSample) -> str:
    return f"{asked[0].scope}/{asked[0].collection}"
