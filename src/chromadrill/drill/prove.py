"""The proof of one backup that already exists: fetched, timed, proven between recordings, remembered."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups import proven
from chromadrill.backups.detect import ExistingBackup, open_existing
from chromadrill.backups.files import require_room
from chromadrill.backups.proven import ProvenEntry
from chromadrill.backups.under_writers import coverage_facts
from chromadrill.checks.objectives import backup_age, restore_time
from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import DrillError
from chromadrill.core.files import remove_tree
from chromadrill.core.model import JSON, Artefact, Outcome, Verdict
from chromadrill.core.model.window import BackupWindow
from chromadrill.core.plural import plural
from chromadrill.core.settings import BackupTable, Objectives, Settings
from chromadrill.core.settings.validation import objectives_in
from chromadrill.core.stopwatch import Stopwatch
from chromadrill.drill.backup_proof import prove
from chromadrill.drill.backup_selection import Selection
from chromadrill.drill.first_answers import ANSWERED
from chromadrill.drill.recordings_around import Surroundings, surroundings
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.drill.validate import Validation, validate_files
from chromadrill.targets.process.private_copy import COPIED
from chromadrill.targets.safety.target_role import backup_role, target_role
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions

FETCHED = "fetched"
AGE = "data loss"
COVERAGE = ("share", "limit_percent", "collections", "before", "after")  # of the note


class ArtefactProof:
    """The proof of `artefact`, one of `selection`; facts and verdicts go into `log`.

    `scratch`: a folder of the run, in which it has one of its own until `close`. Use it in the order
    fetch, prove, compare_original, remember. `questions`: the user's own.
    """

    def __init__(
        self,
        log: ScenarioLog,
        selection: Selection,
        artefact: Artefact,
        settings: Settings,
        *,
        scratch: Path,
        run_id: str,
        questions: ConfiguredQuestions | None = None,
    ) -> None:
        self.clock = Stopwatch()
        self.existing: ExistingBackup | None = None
        self._log, self._selection, self._artefact = log, selection, artefact
        self._settings, self._run_id, self._questions = settings, run_id, questions
        self._folder = Path(tempfile.mkdtemp(prefix="backup-", dir=scratch))
        self._started = datetime.now(UTC)
        self._share: float | None = None
        self._around = Surroundings(None, None)

    @property
    def _table(self) -> BackupTable | None:
        name = self._selection.table
        return self._settings.backups[name] if name else None

    @property
    def _objectives(self) -> Objectives:
        """Those of the environment of the target that it is the backup of."""
        name = self._selection.table
        environment = backup_role(self._settings, name).environment if name else None
        if environment is None or self._settings.drill.environment is not None:
            return self._settings.objectives
        return objectives_in(self._settings, environment)

    def fetch(self) -> bool:
        """Fetch it and look at its files; False where it cannot be had, which is UNKNOWN."""
        self._note_sources()
        into, unpacked = self._folder / "fetched" / "backup", self._folder / "unpacked"
        into.mkdir(parents=True)
        unpacked.mkdir()
        try:
            # room for it, and for the copy of it that is served
            size = self._selection.source.size_of(self._artefact) or 0
            require_room(Path(tempfile.gettempdir()), 2 * size)
            with self.clock.phase(FETCHED):
                path = self._selection.source.fetch(self._artefact, into)
            if not path.is_relative_to(into):  # it lies here: what is read first is the copying
                del self.clock.seconds[FETCHED]
            self.existing = open_existing(path, unpacked, self.clock)
        except (DrillError, OSError) as error:
            self._note_backup({"id": self._artefact.id, "bytes": self._artefact.bytes})
            self._log.judge(Verdict.unknown("fetch", str(cli.as_drill_error(error))))
            return False
        if self.existing.data.is_relative_to(self._folder):
            self.clock.left_out.add(COPIED)  # on-call fetches into the volume: the copy is ours
        self._note_backup(self.existing.facts())
        self._log.judge(self.existing.files)
        return True

    def prove(self) -> None:
        """At rest, served, restarted; between the recordings; in time, and young enough."""
        existing = self._require_existing()
        window = self._window(existing)
        known = self._proven_before(existing) if window is None or window.after is None else None
        try:
            if known is not None:
                window = None
                validation = self._prove_again(existing, known)
            else:
                validation = prove(existing, window, self.clock, self._questions)
        except DrillError as error:  # no room for the copy that is served
            self._log.judge(Verdict.unknown("fetch", str(error)))
            return
        self._note_comparison(validation, window)
        self._log.judge(*map(self._without_scratch, validation.verdicts))
        self._judge_times(validation)

    def _proven_before(self, existing: ExistingBackup) -> ProvenEntry | None:
        """The try by which this very content was proven; what has a fingerprint needs none."""
        if existing.exported or existing.fingerprint is not None:
            return None
        entry = proven.last_try(self._selection.tries, proven.content_digest(existing.listing))
        return entry if entry is not None and entry.is_proven else None

    def _prove_again(self, existing: ExistingBackup, known: ProvenEntry) -> Validation:
        """An old backup whose recordings have expired: sound, served, and what it was when proven."""
        self._share = known.coverage
        validation = validate_files(
            existing.data, (), None, None, serve=True, clock=self.clock, questions=self._questions
        )
        files = plural(len(existing.listing), "file")
        same = Verdict.passed(
            "same content", f"{files}, byte for byte those that were proven at {known.proven_at}"
        )
        return validation._replace(verdicts=[same, *validation.verdicts])

    def compare_original(self) -> None:
        """What lay on this machine is what it was; of what was fetched there is no other."""
        existing = self._require_existing()
        if existing.original.is_relative_to(self._folder):
            reason = f"it was fetched: {self._selection.source.where} was only read"
            self._log.judge(Verdict.not_run("original", reason))
        else:
            self._log.judge(existing.compare_original())

    def remember(self) -> None:
        """Note how it went in the memory of the source; a path has none.

        An old backup that comes back whole is proven: its age is not its fault.
        """
        name = self._selection.table
        if name is None:
            return
        listing = self.existing.listing if self.existing else []
        verdicts = [verdict for verdict in self._log.verdicts if verdict.check != AGE]
        proven.remember(
            proven.log_beside(self._settings.monitoring.backup_journal),
            source=name,
            artefact=self._artefact.id,
            listing=listing,
            outcome=outcome_of(verdicts),
            coverage=self._share,
            created_at=self._artefact.created_at,
            recovery_s=self.clock.total if ANSWERED in self.clock.seconds else None,
            run=self._run_id,
        )

    def close(self) -> None:
        """Leave nothing of it on the disk."""
        remove_tree(self._folder)

    def _without_scratch(self, verdict: Verdict) -> Verdict:
        """With the backup's own paths in its message: nobody finds those of the scratch any more."""
        message = verdict.message
        for folder in (self._folder / "fetched" / "backup", self._folder / "unpacked"):
            message = message.replace(str(folder), self._artefact.id)
        return dataclasses.replace(verdict, message=message)

    def _require_existing(self) -> ExistingBackup:
        if self.existing is None:
            raise DrillError("The backup was not fetched: there is nothing to prove.")
        return self.existing

    # ---- the window -----------------------------------------------------------------------------
    def _window(self, existing: ExistingBackup) -> BackupWindow | None:
        """The recordings around it; None where there are none, and for a path."""
        if self._table is None:
            return None
        around = surroundings(
            self._settings,
            self._table,
            self._artefact,
            newest_file_at=_newest_file_at(existing.data),
            sealed_at=existing.sealed_at(),
            both_or_none=existing.exported or existing.fingerprint is not None,
        )
        self._around = around
        if around.why:
            self._log.note("recordings", why=list(around.why))
        return around.window(self._table)

    # ---- facts ----------------------------------------------------------------------------------
    def _note_backup(self, facts: Mapping[str, object]) -> None:
        name = self._selection.table
        origin = self._settings.evidence.production_origin
        if name:
            created_at = facts.get("created_at") or self._artefact.created_at
            facts = {
                **facts,
                "created_at": created_at,
                "source": name,
                "artefact": self._artefact.id,
            }
            origin = self._is_of_production() or origin
        self._log.note("backup", **facts, production_origin=origin)

    def _is_of_production(self) -> bool | None:
        target = self._table.target if self._table else None
        is_production = bool(target) and target_role(self._settings, str(target)).is_production
        return True if is_production else None

    def _note_sources(self) -> None:
        """Every artefact of the source with its last try, for the auditor."""
        name = self._selection.table
        if name is None:
            return
        rows: list[JSON] = []
        for artefact in self._selection.artefacts:
            entry = self._selection.last_try_of(artefact)
            rows.append(
                {
                    "id": artefact.id,
                    "created_at": artefact.created_at,
                    "bytes": artefact.bytes,
                    "proven_at": entry.proven_at if entry else None,
                    "outcome": str(entry.outcome) if entry else None,
                    "coverage": entry.coverage if entry else None,
                }
            )
        self._log.note("source", name=name, artefacts=rows)

    def _note_comparison(self, validation: Validation, window: BackupWindow | None) -> None:
        counts = validation.counts
        self._log.note("compared", records=sum(counts.values()), collections=dict(counts))
        facts: JSON = {}
        if validation.coverage is not None and window is not None:
            facts = {**coverage_facts(validation.coverage, window), **self._around.facts()}
        elif outcome_of(validation.verdicts) is Outcome.PASS:
            # it is exactly what was measured when it was taken
            facts = dict(self._require_existing().manifest.get("coverage") or {})
            if facts.get("after"):
                facts["after"] = {**facts["after"], "live": False}
        if facts:
            self._share = facts.get("share")
            self._log.note("coverage", **{key: facts.get(key) for key in COVERAGE})

    # ---- time -----------------------------------------------------------------------------------
    def _judge_times(self, validation: Validation) -> None:
        objectives, answered = self._objectives, ANSWERED in self.clock.seconds
        if answered:
            self._log.note("recovered", seconds=self.clock.total, phases=self.clock.seconds)
        is_proven = outcome_of(validation.verdicts) is Outcome.PASS
        self._log.judge(
            restore_time(
                self.clock.seconds, objectives.rb2_recovery_s, answered=answered, proven=is_proven
            )
        )
        if self._table is None:
            return
        if not self._selection.is_newest(self._artefact):
            newest = self._selection.artefacts[0].id
            reason = f"an older backup: what would be lost, the newest one says ({newest})"
            self._log.judge(Verdict.not_run(AGE, reason))
            return
        limit_s = self._table.stale_after_s or objectives.data_loss_s
        created_at = parse_time(self._artefact.created_at)
        self._log.judge(backup_age(created_at, self._started, limit_s))


def _newest_file_at(data: Path) -> str | None:
    """When the newest file was written; archives and copies keep the original's times."""
    files = [data] if data.is_file() else [path for path in data.rglob("*") if path.is_file()]
    times = [file.stat().st_mtime for file in files]
    return time_text(datetime.fromtimestamp(max(times), UTC)) if times else None
