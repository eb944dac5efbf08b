"""Is it all back? The check suite, a restart, the check suite again; searches; usage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

from chromadrill.checks.latency import finds_own_records
from chromadrill.checks.objectives import FEWEST, p90_after_restore
from chromadrill.checks.resources import disk_fits, memory_holds
from chromadrill.checks.suite import judge, outcome_of
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.clock import now
from chromadrill.core.model import Fingerprint, Observation, Outcome, Samples, Verdict
from chromadrill.core.protocols import HasMetrics, Restartable, Target
from chromadrill.core.settings import Objectives
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.latency import time_answers
from chromadrill.workload.queries.self_queries import QuestionSet, self_queries


class Proof:
    """The proof of one target against one fingerprint.

    `imported`: keys of the collections that came back over the API; `rebuilt`: embedded anew, too.
    `before_restart` is called after the first run of the check suite, before the server is
    restarted once more. `startup_s`: how long that restart took. `questions`: the user's own.
    """

    def __init__(
        self,
        target: Target,
        before: Fingerprint,
        log: ScenarioLog,
        *,
        imported: Collection[str],
        rebuilt: Collection[str],
        objectives: Objectives,
        before_restart: Callable[[], None],
        questions: ConfiguredQuestions | None = None,
    ) -> None:
        self._target, self._before, self._log = target, before, log
        self._imported, self._rebuilt = imported, rebuilt
        self._objectives, self._before_restart = objectives, before_restart
        self._questions = questions
        self.startup_s: float | None = None
        # of the largest collection: as many questions as there should be
        most = max((collection.count for collection in before.collections.values()), default=0)
        self._expected_queries = min(QUESTIONS, most)

    def run(self, *, oom_kills_before: int) -> bool:
        """True when every check of the suite passed, both times. Searches and usage are judged apart."""
        is_proven = self._run_suite("")
        self._before_restart()
        queries = self._choose_queries()
        if isinstance(self._target, Restartable):
            self._target.stop()
            started = now()
            self._target.start()
            self.startup_s = round(now() - started, 3)
            self._judge_search("cold", queries, len(queries.right))
            is_proven = self._run_suite(" after one more restart") and is_proven
        self._judge_search("warm", queries, self._objectives.search_samples)
        if isinstance(self._target, HasMetrics):
            usage = self._target.metrics()
            self._log.note("usage", **dataclasses.asdict(usage))
            self._log.judge(disk_fits(usage), memory_holds(usage, killed_before=oom_kills_before))
        return is_proven

    def _run_suite(self, when: str) -> bool:
        with Chroma(self._target.url, timeout_s=15) as chroma:
            observation = live.observe(chroma, like=self._before)
        self._note_comparison(observation, when)
        verdicts = [
            dataclasses.replace(verdict, check=verdict.check + when)
            for verdict in judge(
                observation, self._before, imported=self._imported, rebuilt=self._rebuilt
            )
        ]
        self._log.judge(*verdicts, *self._ask_questions(when))
        return outcome_of(verdicts) is Outcome.PASS

    def _ask_questions(self, when: str) -> list[Verdict]:
        """They say nothing of whether all is back: they are judged beside the check suite."""
        if self._questions is None:
            return []
        with Chroma(self._target.url, timeout_s=15) as chroma:
            return self._questions.verdicts(chroma, when)

    def _note_comparison(self, observation: Observation, when: str) -> None:
        collections = observation.fingerprint.collections.values()
        self._log.note(
            "compared",
            records=sum(len(collection.records) for collection in collections),
            collections=dict(observation.counts),
            read_errors=[dataclasses.asdict(error) for error in observation.read_errors],
            step_seconds={step: round(seconds, 3) for step, seconds in observation.seconds.items()},
        )
        self._log.attach(f"fingerprint{when}", observation.fingerprint)

    def _choose_queries(self) -> QuestionSet:
        """Chosen before the restart: choosing them asks them, and would warm the store."""
        try:
            with Chroma(self._target.url, timeout_s=15) as chroma:
                return self_queries(chroma, self._before.scopes, QUESTIONS)
        except CallFailed as error:
            self._log.note("no questions", why=str(error))
            return QuestionSet(None, 0, 0, (), ())

    def _judge_search(self, when: str, queries: QuestionSet, wanted: int) -> None:
        """Cold: each query for the first time since the start. Warm: after the whole check suite."""
        self._log.judge(self._search_p90(when, queries, wanted))

    def _search_p90(self, when: str, queries: QuestionSet, wanted: int) -> Verdict:
        check = f"search p90 {when}"
        if self._expected_queries < FEWEST:
            few = f"{self._expected_queries} records to search for, {FEWEST} needed"
            return Verdict.not_run(check, few)
        self_recall = finds_own_records(
            queries.tried, len(queries.right), queries.missed, unreached=len(queries.unreached)
        )
        if self_recall.outcome is not Outcome.PASS:  # whether that is a loss, the recall check says
            return Verdict.unknown(check, self_recall.message)
        try:
            with Chroma(self._target.url, timeout_s=15) as chroma:
                samples = time_answers(chroma, queries.right, wanted)
        except CallFailed as error:
            samples = Samples((), (str(error),))
        self._log.note("searches timed", when=when, samples=dataclasses.asdict(samples))
        limit_ms = self._objectives.search_p90_ms
        return p90_after_restore(samples, limit_ms, when=when, wanted=wanted)
