"""One scenario: its phases, its strike, its recovery and its verdicts, into the ledger as they happen.

Steps record facts, checks judge them, and the scenario ends by raising once with all of it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from chromadrill.backups.folders import find
from chromadrill.checks.availability import stays_right
from chromadrill.checks.objectives import restored_p90
from chromadrill.checks.resources import disk_fits, memory_holds
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.clock import now, wait_until
from chromadrill.datasets.probes import KnownAnswer, own_records
from chromadrill.errors import DrillError, Unavailable
from chromadrill.evidence.ledger import Ledger
from chromadrill.fingerprint import live, store
from chromadrill.ladder import judge, outcome_of
from chromadrill.model import (
    ClientView,
    Fingerprint,
    Observation,
    Outcome,
    Samples,
    Sight,
    Strike,
    Verdict,
)
from chromadrill.monitoring.latency import QUESTIONS, time_answers
from chromadrill.monitoring.prober import Prober
from chromadrill.monitoring.sights import view, windows
from chromadrill.protocols import Disaster, HasMetrics, HasSnapshots, Restartable, Target
from chromadrill.recovery.clients import searching
from chromadrill.recovery.runbook import CommandFailed, Ran, ops, script
from chromadrill.settings import Objectives

SEEN_S = 30.0
Step = Callable[[str], AbstractContextManager[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A snapshot at hand, with the fingerprint that lies beside it.

    `imported`: the collections that come back over the API when it is restored.
    """

    id: str
    path: Path
    fingerprint: Fingerprint
    imported: Collection[str] = ()


class DrillFailed(AssertionError):
    """The scenario's verdict is FAIL."""


class DrillUnknown(AssertionError):
    """The scenario's verdict is UNKNOWN: it proves nothing, so it must not look green."""


class Drill:
    """Passed to a scenario.

    `spec` is what names the target on a command line; `step` wraps each phase (reports hang their
    own steps on it). `folder` is the run's: what is raw and large goes there.
    """

    def __init__(
        self,
        scenario: str,
        target: Target,
        ledger: Ledger,
        *,
        scripts: Path = Path("scripts"),
        loadtests: Path = Path("loadtests"),
        folder: Path = Path("reports"),
        objectives: Objectives | None = None,
        ops_environment: dict[str, str] | None = None,
        spec: str = "",
        step: Step = lambda name: nullcontext(),
        attach: Callable[[str, Any], None] = lambda name, value: None,
    ) -> None:
        self.scenario, self.target, self._spec = scenario, target, spec or target.name
        self._ledger, self._step, self._attach = ledger, step, attach
        self._scripts, self._loadtests, self._folder = scripts, loadtests, folder
        self._objectives = objectives or Objectives()  # type: ignore[call-arg]
        self._environment = ops_environment or {}
        self.prober: Prober | None = None
        self.verdicts: list[Verdict] = []
        self.struck: Strike | None = None
        self._done = 0.0
        self._killed_before = 0
        self.recovered_s: float | None = None
        self.saw: list[Sight] | None = None  # by the prober, once it has ended
        self.startup_s: float | None = None

    def note(self, event: str, **fields: Any) -> None:
        """One fact into the ledger."""
        self._ledger.write(event, scenario=self.scenario, **fields)

    # ---- phases ---------------------------------------------------------------------------------
    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A named part of the scenario; its time is kept whether it ends well or not."""
        self.note("phase started", name=name)
        started, status = now(), "failed"
        try:
            with self._step(name):
                yield
            status = "passed"
        finally:
            self.note("phase finished", name=name, seconds=round(now() - started, 3), status=status)

    given = when = then = phase

    def ops(self, *words: str) -> str:
        """Type a runbook command, as on-call would; returns what it printed."""
        return self._typed(lambda: ops(self._spec, *words, environment=self._environment))

    def script(self, name: str, *words: str) -> str:
        """Run one of the runbook's scripts on the target; returns what it printed."""
        environment = {**self._environment, "CHROMA_URL": self.target.url}
        return self._typed(lambda: script(self._scripts, name, *words, environment=environment))

    def _typed(self, command: Callable[[], Ran]) -> str:
        try:
            ran = command()
        except CommandFailed as error:
            if self.struck is None:
                raise  # nothing is broken yet: the drill could not be set up
            self.judged(Verdict.failed("runbook command", str(error)))
            raise DrillFailed(f"the runbook's command failed: {error}") from error
        self.note(
            "command",
            command=ran.command,
            exit_code=ran.exit_code,
            seconds=round(ran.seconds, 3),
            output=ran.output[-2000:],
        )
        return ran.output.strip()

    def refused(self, *words: str, said: str) -> None:
        """A command that has to end in an error which says `said`; done or another error is a FAIL.

        `words`: those of `ops`, or the name of a script and its words.
        """
        shown = " ".join(words)
        try:
            if words[0].endswith(".py"):
                script(self._scripts, *words, environment=self._environment)
            else:
                ops(self._spec, *words, environment=self._environment)
        except CommandFailed as error:
            good = said in str(error)
            make = Verdict.passed if good else Verdict.failed
            self.judged(make("refused", f"{shown}: {error}"))
        else:
            self.judged(Verdict.failed("refused", f"{shown}: was done, and should not have been"))

    def backup(self, backup_id: str) -> Held:
        """The snapshot of that id, with its fingerprint read from beside it."""
        if not isinstance(self.target, HasSnapshots):
            raise DrillError(f"{self.target.name} has no snapshots.")
        backup = find(self.target.snapshots(), backup_id)
        self.note("backup", **dataclasses.asdict(backup))
        before = store.load(Path(backup.path) / "fingerprint")
        imported = before.collections if backup.method == "export" else ()
        return Held(backup.id, Path(backup.path), before, imported)

    # ---- disaster and recovery ------------------------------------------------------------------
    def watch(self, prober: Prober) -> None:
        """The independent prober whose clock this scenario goes by."""
        self.prober = prober

    def end_watch(self) -> None:
        """The prober stops asking: what follows is the drill's own doing, not the recovery's."""
        if self.prober is None or self.saw is not None:
            return
        self.prober.stop()
        self.saw = self.prober.sights()
        offset = time.time() - now()  # the record's clock is UTC, the prober's is monotonic
        results = [each.result for each in self.saw]
        self.note(
            "sights",
            results={each: results.count(each) for each in sorted(set(results))},
            windows=[
                {"from": w.begin + offset, "to": w.end + offset, "result": w.result}
                for w in windows(self.saw)
            ],
            # raw: due (UTC epoch seconds), milliseconds from then to the answer, result
            ticks=[
                [round(s.due + offset, 3), round(1000 * (s.done - s.due), 1), s.result]
                for s in self.saw
            ],
        )

    def clients_saw(self) -> ClientView:
        """From the strike to the recovery, or to the end of the watch where there was none."""
        struck = self._struck()
        self.end_watch()
        seen = self.saw or []
        until = seen[-1].done if seen else now()
        if self.recovered_s is not None:
            until = struck.at + self.recovered_s
        return view(seen, struck.at, until)

    def strike(self, disaster: Disaster) -> Strike:
        """Do the damage, then wait until a client has seen it (at most 30 s)."""
        at, epoch = now(), time.time()
        self.note("strike", disaster=disaster.name, what=disaster.what)
        disaster.strike(self.target)
        # from here on: that the server was down while its files were damaged proves no damage
        self._done = now()
        seen, after = self._seen(at, self._done)
        self.struck = Strike(disaster.name, disaster.what, at, epoch, seen, after)
        self.note("seen", **dataclasses.asdict(self.struck))
        if isinstance(self.target, HasMetrics):
            with suppress(DrillError):  # what was struck may not answer
                self._killed_before = self.target.metrics().oom_kills or 0
        return self.struck

    def _seen(self, at: float, since: float) -> tuple[str | None, float | None]:
        prober = self._watched()
        try:
            sight = wait_until(
                lambda: prober.first_wrong(since), within_s=SEEN_S, name="a client to see it"
            )
        except Unavailable:
            return None, None
        return f"a client saw {sight.result}: {sight.detail}", sight.done - at

    def recovered(self, *, within_s: float) -> float | None:
        """Seconds from the strike to the first of three right answers in a row; None: never."""
        prober, struck = self._watched(), self._struck()
        wrong = prober.first_wrong(self._done)
        since = wrong.due if wrong else self._done
        left = within_s - (now() - struck.at)
        try:
            done = wait_until(
                lambda: prober.stable_since(since), within_s=max(5.0, left), name="stable answers"
            )
        except Unavailable as error:
            self.note("not recovered", why=str(error))
            return None
        self.recovered_s = round(done - struck.at, 3)
        self.note("recovered", seconds=self.recovered_s)
        return self.recovered_s

    def stays_right(self, *, for_s: float) -> None:
        """Watch on after the recovery: answers that come and go again are no recovery."""
        if self.recovered_s is None:
            return  # the recovery time says so
        prober, back = self._watched(), self._struck().at + self.recovered_s
        with suppress(Unavailable):  # a prober that saw too little is what the check judges
            wait_until(
                lambda: any(each.due > back + for_s for each in prober.sights()),
                within_s=3 * for_s + SEEN_S,
                name="the prober to go on",
            )
        after = view(prober.sights(), back, back + for_s)
        self.judged(stays_right(after))

    @contextmanager
    def clients_searching(self) -> Iterator[None]:
        """Clients search at a fixed rate through the block; what they saw is judged at its end."""
        result = self._folder / "load" / f"{self.scenario}.clients.json"
        with searching(self._loadtests, self.target.url, result) as clients:
            yield
        self.note("clients", result=clients.result)
        self.judged(*clients.verdicts())

    # ---- proof ----------------------------------------------------------------------------------
    def prove(self, before: Fingerprint, *, imported: Collection[str] = ()) -> bool:
        """Climb the ladder, restart once more, time cold searches, climb again; True: all of it passed.

        Its own restart is nobody's outage: the watch ends before it. `imported`: keys of the
        collections that came back over the API.
        """
        good = self._climb(before, imported, "")
        target = self.target
        self.end_watch()
        asked = self._questions(before)
        if isinstance(target, Restartable):
            target.stop()
            started = now()
            target.start()
            self.startup_s = round(now() - started, 3)
            self._time_searches("cold", asked, len(asked))
            good = self._climb(before, imported, " after one more restart") and good
        self._time_searches("warm", asked, self._objectives.search_samples)
        self._judge_usage()
        if self.struck and good:
            self.note("proven", seconds=round(now() - self.struck.at, 3))
        return good

    def _judge_usage(self) -> None:
        """Whether it fits into what it is given, where the target can tell."""
        if isinstance(self.target, HasMetrics):
            used = self.target.metrics()
            self.note("usage", **dataclasses.asdict(used))
            self.judged(disk_fits(used), memory_holds(used, killed_before=self._killed_before))

    def _climb(self, before: Fingerprint, imported: Collection[str], when: str) -> bool:
        with Chroma(self.target.url, timeout_s=15) as chroma:
            seen = live.observe(chroma, like=before)
        self._keep(seen, when)
        verdicts = [
            dataclasses.replace(each, check=each.check + when)
            for each in judge(seen, before, imported=imported)
        ]
        self.judged(*verdicts)
        return outcome_of(verdicts) is Outcome.PASS

    def _questions(self, before: Fingerprint) -> list[KnownAnswer]:
        try:
            with Chroma(self.target.url, timeout_s=15) as chroma:
                return own_records(chroma, before.scopes, QUESTIONS)
        except CallFailed as error:
            self.note("no questions", why=str(error))
            return []

    def _time_searches(self, when: str, asked: Sequence[KnownAnswer], wanted: int) -> None:
        """Cold: each question for the first time since the start. Warm: after the whole ladder."""
        limit_ms = self._objectives.search_p90_ms
        try:
            with Chroma(self.target.url, timeout_s=15) as chroma:
                samples = time_answers(chroma, asked, wanted)
        except CallFailed as error:
            samples = Samples((), (str(error),))
        self.note("searches timed", when=when, samples=dataclasses.asdict(samples))
        self.judged(restored_p90(samples, limit_ms, when=when, wanted=wanted))

    def _keep(self, seen: Observation, when: str) -> None:
        compared = sum(len(each.records) for each in seen.fingerprint.collections.values())
        self.note(
            "compared",
            records=compared,
            collections=dict(seen.counts),
            troubles=[dataclasses.asdict(t) for t in seen.troubles],
            rung_seconds={k: round(v, 3) for k, v in seen.seconds.items()},
        )
        self._attach(f"fingerprint{when}", seen.fingerprint)

    def judged(self, *verdicts: Verdict) -> None:
        """Keep verdicts; all of them count in the end."""
        for each in verdicts:
            self.verdicts.append(each)
            self.note("verdict", verdict=dataclasses.asdict(each))

    def conclude(self) -> None:
        """Raise once, with every verdict that is not PASS; a scenario without verdicts is UNKNOWN."""
        __tracebackhide__ = True  # the verdicts are the message, not our source lines
        outcome = outcome_of(self.verdicts)
        lines = [
            f"  {each.check:<28} {each.outcome.upper():<8} {each.message}"
            for each in self.verdicts
            if each.outcome is not Outcome.PASS
        ]
        text = "\n".join([f"{self.scenario}: {outcome.upper()}", *lines])
        if outcome is Outcome.FAIL:
            raise DrillFailed(text)
        if outcome is not Outcome.PASS:
            raise DrillUnknown(text)

    def _watched(self) -> Prober:
        if self.prober is None:
            raise DrillError("This scenario has no prober: nothing was watching.")
        return self.prober

    def _struck(self) -> Strike:
        if self.struck is None:
            raise DrillError("Nothing was struck: there is nothing to recover from.")
        return self.struck
