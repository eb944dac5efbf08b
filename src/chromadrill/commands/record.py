"""Record what production holds, before and after its backup."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.recordings import Recordings
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.commands.place import target_meant
from chromadrill.commands.record_templates import TEMPLATES, RecordJob
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Verdict
from chromadrill.core.plural import plural
from chromadrill.core.progress import on_stderr
from chromadrill.core.settings import Settings, load
from chromadrill.core.urls import without_password
from chromadrill.drill.recording import (
    CLOCK_S,
    RecordingPlan,
    TargetRecording,
    plan_recording,
    record_target,
)
from chromadrill.targets.safety.target_role import backup_role

NAMED = 5  # records or files that a sentence names

app = application()


@app.command(cls=Command)
def record(
    target: options.TargetName = None,
    backup: Annotated[
        str | None,
        typer.Option("--backup", metavar="NAME", help="[backups.NAME] (the one of the target)"),
    ] = None,
    drill_config: options.DrillConfig = None,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="|".join(TEMPLATES),
            help="record nothing, and print a job that records before and after each backup",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="HH:MM",
            help="for --template: when the backup begins (the environment's plan, else 02:00)",
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Record what a server holds now, for the backup that comes next or was just taken.

    Only reads, ten calls a second at most, while clients go on. The recording holds ids, metadata
    and digests, and no document. Recordings before and after a backup prove it. Exit 0: recorded;
    1: recorded, and the server has lost vectors; 2: not recorded.
    """
    options.require_known("--template", template, TEMPLATES)
    settings = load(drill_config)
    meant = target_meant(settings, target)
    if meant != target and backup is None:
        backup = target  # of several backups of one target, the one that was named
    plan = plan_recording(settings, meant, backup)
    if template:
        sys.stdout.write(TEMPLATES[template](_job(settings, plan, drill_config, at)))
        return cli.DONE
    if at:
        raise UsageError("--at is for --template.")
    recorded = record_target(settings, plan.target, progress=on_stderr)
    recordings = Recordings(plan.folder)
    recording = recordings.keep(recorded.server.fingerprint)
    expired = recordings.expire(plan.keep_days)
    collections = recorded.server.fingerprint.collections
    counts = {key: collection.count for key, collection in collections.items()}
    verdicts = list(_lost_vectors(recorded))
    return report(
        verdicts or None,
        collections_json(counts, verdicts),
        as_json=json,
        written=str(recording.path),
        taken_at=recorded.server.fingerprint.taken_at,
        finished_at=recorded.server.fingerprint.finished_at,
        dropped=list(recorded.server.dropped),
        expired=[str(path) for path in expired],
        notes=list(_notes(recorded, recordings)),
    )


def _job(
    settings: Settings, plan: RecordingPlan, drill_config: Path | None, at: str | None
) -> RecordJob:
    """This command as a job. A password of a URL is left out: it belongs in [targets.NAME] headers."""
    table = settings.backups.get(plan.backup)
    words = ["--backup", plan.backup] if table else []
    if not (table and table.target):
        words += ["--target", without_password(plan.target)]
    if drill_config:
        words += ["--drill-config", str(drill_config)]
    return RecordJob(
        [*_program(), "record", *words],
        str(Path.cwd()),
        at or _hour_of_backups(settings, plan),
        _user(),
    )


def _program() -> list[str]:
    """The command itself, as a scheduler without our PATH finds it."""
    beside = Path(sys.executable).with_name("chromadrill")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "chromadrill"]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return str(os.getuid())


def _hour_of_backups(settings: Settings, plan: RecordingPlan) -> str:
    name = (
        backup_role(settings, plan.backup, plan.target).environment
        if plan.backup in settings.backups
        else settings.environment_of(plan.target)
    )
    environment = settings.environments.get(name or "")
    schedules = environment.backups if environment else ()
    return next((schedule.at for schedule in schedules if schedule.at), "02:00")


def _lost_vectors(recorded: TargetRecording) -> Iterator[Verdict]:
    for key, ids in recorded.server.without_vector.items():
        more = ", ..." if len(ids) > NAMED else ""
        names = ", ".join(f"'{record}'" for record in ids[:NAMED])
        yield Verdict.failed(
            "records",
            f"{key}: the server has lost the vectors of {plural(len(ids), 'record')} ({names}{more})."
            " It was recorded so. Next: chromadrill triage",
        )


def _notes(recorded: TargetRecording, recordings: Recordings) -> Iterator[str]:
    if dropped := recorded.server.dropped:
        yield f"dropped by a client meanwhile, and not recorded: {', '.join(dropped)}"
    ahead_s = recorded.clock_ahead_s
    if abs(ahead_s) > CLOCK_S:
        yield (
            f"this machine's clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'}"
            " the server's: set both, or a backup may seem to lie outside its recordings"
        )
    if unreadable := recordings.unreadable():
        names = ", ".join(path.name for path in unreadable[:NAMED])
        yield f"no recordings, though called so, in {recordings.folder}: {names}"
