"""Is it all back? The check suite, a restart, the check suite again; searches; usage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from chromadrill.checks.latency import found_themselves
from chromadrill.checks.objectives import FEWEST, restored_p90
from chromadrill.checks.resources import disk_fits, memory_holds
from chromadrill.checks.suite import judge, outcome_of
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.clock import now
from chromadrill.core.model import Fingerprint, Observation, Outcome, Samples, Verdict
from chromadrill.core.protocols import HasMetrics, Restartable, Target
from chromadrill.core.settings import Objectives
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.latency import time_answers
from chromadrill.workload.queries.self_queries import QuestionSet, self_queries


class Proof:
    """Of one target against one fingerprint.

    `imported`: keys of the collections that came back over the API; `rebuilt`: embedded anew, too.
    `note`, `judged` and `attach` are the scenario's; `restarting` is called after the first climb,
    before the server is restarted once more. `startup_s`: of the restart in between.
    """

    def __init__(
        self,
        target: Target,
        before: Fingerprint,
        *,
        imported: Collection[str],
        rebuilt: Collection[str],
        objectives: Objectives,
        note: Callable[..., None],
        judged: Callable[..., None],
        attach: Callable[[str, Any], None],
        restarting: Callable[[], None],
    ) -> None:
        self._target, self._before = target, before
        self._imported, self._rebuilt = imported, rebuilt
        self._objectives, self._note, self._judged = objectives, note, judged
        self._attach, self._restarting = attach, restarting
        self.startup_s: float | None = None
        # of the largest collection: as many questions as there should be
        most = max((each.count for each in before.collections.values()), default=0)
        self._different = min(QUESTIONS, most)

    def run(self, *, killed_before: int) -> bool:
        """True when every check passed, both times. What else was judged counts by itself."""
        good = self._climb("")
        self._restarting()
        own = self._questions()
        if isinstance(self._target, Restartable):
            self._target.stop()
            started = now()
            self._target.start()
            self.startup_s = round(now() - started, 3)
            self._search("cold", own, len(own.right))
            good = self._climb(" after one more restart") and good
        self._search("warm", own, self._objectives.search_samples)
        if isinstance(self._target, HasMetrics):
            used = self._target.metrics()
            self._note("usage", **dataclasses.asdict(used))
            self._judged(disk_fits(used), memory_holds(used, killed_before=killed_before))
        return good

    def _climb(self, when: str) -> bool:
        with Chroma(self._target.url, timeout_s=15) as chroma:
            seen = live.observe(chroma, like=self._before)
        self._keep(seen, when)
        verdicts = [
            dataclasses.replace(each, check=each.check + when)
            for each in judge(seen, self._before, imported=self._imported, rebuilt=self._rebuilt)
        ]
        self._judged(*verdicts)
        return outcome_of(verdicts) is Outcome.PASS

    def _keep(self, seen: Observation, when: str) -> None:
        compared = sum(len(each.records) for each in seen.fingerprint.collections.values())
        self._note(
            "compared",
            records=compared,
            collections=dict(seen.counts),
            read_errors=[dataclasses.asdict(t) for t in seen.read_errors],
            step_seconds={k: round(v, 3) for k, v in seen.seconds.items()},
        )
        self._attach(f"fingerprint{when}", seen.fingerprint)

    def _questions(self) -> QuestionSet:
        """Chosen before the restart: choosing them asks them, and would warm the store."""
        try:
            with Chroma(self._target.url, timeout_s=15) as chroma:
                return self_queries(chroma, self._before.scopes, QUESTIONS)
        except CallFailed as error:
            self._note("no questions", why=str(error))
            return QuestionSet(None, 0, 0, (), ())

    def _search(self, when: str, own: QuestionSet, wanted: int) -> None:
        """Cold: each question for the first time since the start. Warm: after the whole check suite."""
        self._judged(self._timed(when, own, wanted))

    def _timed(self, when: str, own: QuestionSet, wanted: int) -> Verdict:
        check = f"search p90 {when}"
        if self._different < FEWEST:
            few = f"{self._different} records to search for, {FEWEST} needed"
            return Verdict.not_run(check, few)
        found = found_themselves(own.tried, len(own.right), own.missed)
        if found.outcome is not Outcome.PASS:  # whether that is a loss, the recall check says
            return Verdict.unknown(check, found.message)
        try:
            with Chroma(self._target.url, timeout_s=15) as chroma:
                samples = time_answers(chroma, own.right, wanted)
        except CallFailed as error:
            samples = Samples((), (str(error),))
        self._note("searches timed", when=when, samples=dataclasses.asdict(samples))
        limit_ms = self._objectives.search_p90_ms
        return restored_p90(samples, limit_ms, when=when, wanted=wanted)
