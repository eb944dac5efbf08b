"""One scenario: its phases, its fault, its recovery and its verdicts, into the ledger as they happen.

Steps record facts, checks judge them, and the scenario ends by raising once with all of it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from chromadrill.backups.catalog import find
from chromadrill.checks.availability import stays_right
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import (
    ClientView,
    FaultInjection,
    Fingerprint,
    Outcome,
    ProbeResult,
    Verdict,
)
from chromadrill.core.protocols import Disaster, HasMetrics, HasSnapshots, Target
from chromadrill.core.settings import Objectives
from chromadrill.drill.outage_watch import Watch
from chromadrill.drill.proof import Proof
from chromadrill.evidence.ledger import Ledger
from chromadrill.recovery.runbook_commands import CommandFailed, Ran, ops, script
from chromadrill.workload.load.background_clients import searching
from chromadrill.workload.prober import Prober
from chromadrill.workload.timeline import view

Step = Callable[[str], AbstractContextManager[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredBackup:
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
        self._watch: Watch | None = None
        self.verdicts: list[Verdict] = []
        self.injection: FaultInjection | None = None
        self._done = 0.0
        self._killed_before = 0
        self.recovered_s: float | None = None
        self._back: float | None = None
        self.startup_s: float | None = None

    def export(self, **variables: str) -> None:
        """What commands typed from now on find in their environment besides ours."""
        self._environment = {**self._environment, **variables}

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
            if self.injection is None:
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

    def backup(self, backup_id: str) -> StoredBackup:
        """The snapshot of that id, with its fingerprint read from beside it."""
        if not isinstance(self.target, HasSnapshots):
            raise DrillError(f"{self.target.name} has no snapshots.")
        backup = find(self.target.snapshots(), backup_id)
        self.note("backup", **dataclasses.asdict(backup))
        before = fingerprint_file.load(Path(backup.path) / "fingerprint")
        imported = before.collections if backup.method == "export" else ()
        return StoredBackup(backup.id, Path(backup.path), before, imported)

    # ---- disaster and recovery ------------------------------------------------------------------
    def watch(self, prober: Prober) -> None:
        """The independent prober whose clock this scenario goes by."""
        self._watch = Watch(prober, self.note)

    def end_watch(self) -> list[ProbeResult]:
        """The prober stops asking: what follows is the drill's own doing, not the recovery's."""
        return self._watch.end() if self._watch else []

    def clients_saw(self) -> ClientView:
        """From the fault to the recovery, or to the end of the watch where there was none."""
        injection, back = self._struck(), self.recovered_s
        return self._watched().between(injection.at, None if back is None else injection.at + back)

    def inject(
        self, disaster: Disaster, *, seen_by: Callable[[float], ProbeResult | None] | None = None
    ) -> FaultInjection:
        """Do the damage, then wait until a client has seen it (at most 30 s).

        `seen_by`: another client than the prober, which only reads; asked with the moment of the
        damage (monotonic seconds).
        """
        at, epoch = now(), time.time()
        self.note("fault injected", disaster=disaster.name, what=disaster.what)
        disaster.inject(self.target)
        # from here on: that the server was down while its files were damaged proves no damage
        self._done = now()
        probe_result = (seen_by or self._watched().first_wrong)(self._done)
        seen = (
            f"a client saw {probe_result.result}: {probe_result.detail}" if probe_result else None
        )
        after = probe_result.done - at if probe_result else None
        self.injection = FaultInjection(disaster.name, disaster.what, at, epoch, seen, after)
        self.note("seen", **dataclasses.asdict(self.injection))
        if isinstance(self.target, HasMetrics):
            with suppress(DrillError):  # what was injected may not answer
                self._killed_before = self.target.metrics().oom_kills or 0
        return self.injection

    def recovered(self, *, within_s: float) -> float | None:
        """Seconds from the fault to right answers that last (three at least); None: never."""
        watch, injection = self._watched(), self._struck()
        left = within_s - (now() - injection.at)
        try:
            done = watch.stable(self._done, within_s=max(5.0, left))
        except Unavailable as error:
            self.note("not recovered", why=str(error))
            return None
        self._back, self.recovered_s = done, round(done - injection.at, 3)
        self.note("recovered", seconds=self.recovered_s)
        return self.recovered_s

    def watch_on(self, *, for_s: float) -> None:
        """Let the prober ask on for so long after the recovery; where there was none, go on."""
        if self._back is not None:
            self._watched().on_from(self._back, for_s=for_s)

    @contextmanager
    def clients_searching(self) -> Iterator[None]:
        """Clients search at a fixed rate through the block; what they saw is judged at its end."""
        result = self._folder / "load" / f"{self.scenario}.clients.json"
        with searching(self._loadtests, self.target.url, result) as clients:
            yield
        self.note("clients", result=clients.result)
        self.judged(*clients.verdicts())

    # ---- proof ----------------------------------------------------------------------------------
    def prove(
        self,
        before: Fingerprint,
        *,
        imported: Collection[str] = (),
        rebuilt: Collection[str] = (),
    ) -> bool:
        """Run the check suite, restart, time cold searches, run it again; True: all of it passed.

        Its own restart is nobody's outage: the watch ends before it, after the first check suite.
        `imported`: keys of the collections that came back over the API; `rebuilt`: embedded anew,
        too.
        """
        proof = Proof(
            self.target,
            before,
            imported={*imported, *rebuilt},
            rebuilt=rebuilt,
            objectives=self._objectives,
            note=self.note,
            judged=self.judged,
            attach=self._attach,
            restarting=self._judge_watch,
        )
        good = proof.run(killed_before=self._killed_before)
        self.startup_s = proof.startup_s
        if self.injection and good:
            self.note("proven", seconds=round(now() - self.injection.at, 3))
        return good

    def _judge_watch(self) -> None:
        """Answers that come and go again are no recovery."""
        seen = self.end_watch()
        if self._back is not None and seen:
            self.judged(stays_right(view(seen, self._back, seen[-1].done)))

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

    def _watched(self) -> Watch:
        if self._watch is None:
            raise DrillError("This scenario has no prober: nothing was watching.")
        return self._watch

    def _struck(self) -> FaultInjection:
        if self.injection is None:
            raise DrillError("No fault was injected: there is nothing to recover from.")
        return self.injection
