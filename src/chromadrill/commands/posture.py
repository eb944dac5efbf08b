"""Are the backups of a target as its environment wants them?"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.own_sources import sources_of
from chromadrill.backups.posture import store_of
from chromadrill.backups.posture.last_drill import read_restore
from chromadrill.backups.posture.tried import (
    TriedArtefact,
    proven_restore,
    store_of_source,
    tried_artefacts,
)
from chromadrill.backups.proven import log_beside
from chromadrill.backups.sources.registry import open_source
from chromadrill.checks.posture import judge, newest, way_taken
from chromadrill.checks.proofs import proven_lately
from chromadrill.checks.suite import outcome_of
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import EXIT, print_line, print_verdicts
from chromadrill.commands.place import place_named, target_meant
from chromadrill.core import cli
from chromadrill.core.model import JSON, BackupStore, Plan, ProvenRestore, Verdict
from chromadrill.core.plural import plural
from chromadrill.core.protocols import Simulated
from chromadrill.core.settings import Settings, load
from chromadrill.core.settings.validation import objectives_in
from chromadrill.evidence.report.formatting import size, when
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.target_role import TargetRole, backup_role

MOST_LISTED = 30  # backups on a terminal

app = application()


@app.command(cls=Command)
def posture(
    target: options.TargetName = None,
    drill_config: options.DrillConfig = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="S",
            help="a folder of backups, restic:REPOSITORY[#TAG or #/PATH][#host=HOST], or a"
            " [backups.NAME] (default: those of the target)",
        ),
    ] = None,
    drill_run: Annotated[
        Path | None,
        typer.Option(
            "--drill-run",
            metavar="RUN",
            help="the drill that took the time of a restore (default: the latest)",
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Are the backups of a target as its environment wants them? Age, schedule, retention, size.

    Of your own sources ([backups.NAME]) each backup is listed, with the last try to prove it. Exit 0
    yes, 1 no, 2 could not check. Only reads.
    """
    settings = load(drill_config, command_line={"drill.target": target})
    if (meant := target_meant(settings, target)) != target:
        if target and settings.backups[target].source is not None:
            store = store or target
        target = meant
    now = datetime.now(UTC)
    names = _sources(settings, target, store)
    listings = [_listed(settings, name, target, drill_config, now) for name in names]
    if listings:
        about = ", ".join(names)
        environment = listings[0].environment
        verdicts = [
            verdict
            if len(names) == 1
            else replace(verdict, check=f"{verdict.check} ({listing.name})")
            for listing in listings
            for verdict in listing.judged(settings, now)
        ]
    else:
        guard = place_named(target, drill_config, None).open("posture")
        about, environment = guard.at.target, guard.at.environment
        verdicts = _judged(
            settings,
            store_of(guard.target, store),
            read_restore(drill_run or Path(settings.drill.reports) / "latest"),
            environment=environment,
            kind=guard.at.kind,
            simulated=isinstance(guard.target, Simulated) and guard.target.simulated,
            now=now,
        )
    outcome = outcome_of(verdicts)
    if json:
        sources = {"sources": [listing.facts() for listing in listings]} if listings else {}
        cli.answer(
            {"outcome": outcome, "environment": environment, "verdicts": verdicts, **sources}
        )
        return EXIT[outcome]
    for listing in listings:
        listing.show(now)
    print_verdicts(verdicts)
    sys.stdout.write(f"{outcome.upper()}: backups of {about}\n")
    return EXIT[outcome]


def _sources(settings: Settings, target: str | None, store: str | None) -> list[str]:
    """The sources that are meant: the one of --store, those of the target, else all of them."""
    if store is not None:
        return [store] if store in settings.backups else []
    if target is not None or settings.origin("drill.target") != "default":
        named = settings.drill.target
        known = settings.targets.get(named)
        return list(sources_of(settings, named, known.url if known else None))
    return [name for name, table in settings.backups.items() if table.source]


@dataclass(frozen=True, slots=True)
class _Listing:
    """A source with its artefacts, as the posture shows and judges it."""

    name: str
    where: str
    artefacts: list[TriedArtefact]
    store: BackupStore
    at: TargetRole
    proven: ProvenRestore | None
    proof: Verdict

    @property
    def environment(self) -> str | None:
        return self.at.environment

    def judged(self, settings: Settings, now: datetime) -> list[Verdict]:
        """All verdicts on it; `stale_after_s` of its table wins over the schedules."""
        verdicts = _judged(
            settings, self.store, self.proven, environment=self.environment, kind=self.at.kind, now=now
        )  # fmt: skip
        if self.proven is None:
            message = f"no restore of {self.name} was timed: chromadrill prove {self.name}"
            verdicts[-1] = Verdict.unknown("restore in time", message)
        stale_after_s = settings.backups[self.name].stale_after_s
        if stale_after_s is not None:
            verdicts[0] = newest(self.store, (), now, stale_after_s)
        return [*verdicts, way_taken(settings.backups[self.name].taken), self.proof]

    def facts(self) -> JSON:
        artefacts = [tried.facts() for tried in self.artefacts]
        return {"name": self.name, "where": self.where, "artefacts": artefacts}

    def show(self, now: datetime) -> None:
        """The table of artefacts, the newest first."""
        print_line(f"{self.name}: {self.where}, {plural(len(self.artefacts), 'backup')}")
        # restic says the size of a snapshot only where it is asked for that one
        known = {entry.id: entry.bytes for entry in self.store.backups}
        rows = [
            (tried.artefact.id, when(tried.artefact.created_at),
             size(tried.bytes or known.get(tried.artefact.id), "-"), tried.words(now))
            for tried in self.artefacts[:MOST_LISTED]
        ]  # fmt: skip
        table = [("BACKUP", "MADE", "SIZE", "PROOF"), *rows] if rows else []
        wide = [max((len(row[column]) for row in table), default=0) for column in range(3)]
        for row in table:
            cells = [cell.ljust(width) for cell, width in zip(row, wide, strict=False)]
            print_line(f"  {'  '.join(cells)}  {row[3]}", indent=4)
        if older := len(self.artefacts) - len(rows):
            print_line(f"  and {older} older ones (all of them: --json)")


def _listed(
    settings: Settings, name: str, target: str | None, drill_config: Path | None, now: datetime
) -> _Listing:
    """The source `name`, listed. No server is asked, but where its platform keeps the backups."""
    table = settings.backups[name]
    at = backup_role(settings, name, target)
    rules.require_may_operate(at, "posture")
    source = open_source(
        settings, name,
        open_target=lambda other: place_named(other, drill_config, None).open("posture").target,
    )  # fmt: skip
    log = log_beside(settings.monitoring.backup_journal)
    artefacts = tried_artefacts(source, log)
    last = log.newest_proven(name)
    proof = proven_lately(
        name,
        now=now,
        within_s=table.proven_within_s,
        proven_at=last.proven_at if last else None,
        tries=[(tried.artefact.id, tried.entry.outcome) for tried in artefacts if tried.entry],
    )
    return _Listing(
        name,
        source.where,
        artefacts,
        store_of_source(source, artefacts, str(table.source)),
        at,
        proven_restore(log, name, kind=at.kind, environment=at.environment),
        proof,
    )


def _judged(
    settings: Settings,
    store: BackupStore,
    proven: ProvenRestore | None,
    *,
    environment: str | None,
    kind: str,
    now: datetime,
    simulated: bool = False,
) -> list[Verdict]:
    plans = settings.environments[environment].backups if environment else ()
    if environment and settings.drill.environment is None:
        settings = settings.model_copy(update={"objectives": objectives_in(settings, environment)})
    return judge(
        store,
        [Plan(plan.every, plan.at, plan.keep_days) for plan in plans],
        now=now,
        may_lose_s=settings.objectives.data_loss_s,
        restore_limit_s=settings.objectives.rb2_recovery_s,
        proven=proven,
        kind=kind,
        simulated=simulated,
    )
