"""A drill as a scenario has it: a target, on-call's terminal, the outage that clients see, the proof.

Steps record facts, checks judge them, and the scenario ends by raising once with all of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

from chromadrill.backups.catalog import find
from chromadrill.backups.registry import is_via_api
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Fingerprint
from chromadrill.core.protocols import HasSnapshots, Target
from chromadrill.core.settings import Objectives
from chromadrill.drill.outage import Outage
from chromadrill.drill.proof import Proof
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.drill.terminal import Terminal
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions


@dataclasses.dataclass(frozen=True, slots=True)
class StoredBackup:
    """A snapshot at hand, with the fingerprint that lies beside it.

    `imported`: the collections that come back over the API when it is restored.
    """

    id: str
    path: Path
    fingerprint: Fingerprint
    imported: Collection[str] = ()


class Drill:
    """Passed to a scenario. `startup_s`: how long the proof's own restart took.

    `questions`: the user's own, which every proof asks.
    """

    def __init__(
        self,
        target: Target,
        log: ScenarioLog,
        terminal: Terminal | None = None,
        *,
        objectives: Objectives | None = None,
        questions: ConfiguredQuestions | None = None,
    ) -> None:
        self.target, self.log = target, log
        self.outage = Outage(target, log)
        self._objectives = objectives or Objectives()  # type: ignore[call-arg]
        self._questions = questions
        self.startup_s: float | None = None
        # the words that a scenario is written in
        self.phase = self.given = self.when = self.then = log.phase
        self.note, self.judge = log.note, log.judge
        terminal = terminal or Terminal(log, target)
        self.ops, self.command, self.export = terminal.ops, terminal.command, terminal.export
        self.expect_refusal, self.check = terminal.expect_refusal, terminal.check

    def backup(self, backup_id: str) -> StoredBackup:
        """The snapshot of that id, with its fingerprint read from beside it."""
        if not isinstance(self.target, HasSnapshots):
            raise DrillError(f"{self.target.name} has no snapshots.")
        backup = find(self.target.snapshots(), backup_id)
        self.note("backup", **dataclasses.asdict(backup))
        before = fingerprint_file.load(Path(backup.path) / "fingerprint")
        imported = before.collections if is_via_api(backup) else ()
        return StoredBackup(backup.id, Path(backup.path), before, imported)

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
            self.log,
            imported={*imported, *rebuilt},
            rebuilt=rebuilt,
            objectives=self._objectives,
            before_restart=self.outage.judge_stability,
            questions=self._questions,
        )
        is_proven = proof.run(oom_kills_before=self.outage.oom_kills)
        self.startup_s = proof.startup_s
        if self.log.injection and is_proven:
            self.note("proven", seconds=round(now() - self.log.injection.at, 3))
        return is_proven
