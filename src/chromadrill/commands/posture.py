"""Are the backups of a target as its environment wants them?"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.posture import store_of
from chromadrill.backups.posture.last_drill import read_restore
from chromadrill.checks.posture import judge
from chromadrill.checks.suite import outcome_of
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import EXIT, print_verdicts
from chromadrill.commands.place import place_named
from chromadrill.core import cli
from chromadrill.core.model import Plan
from chromadrill.core.protocols import Simulated

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
            help="a folder of backups, or restic:REPOSITORY[#TAG or #/PATH] (default: the"
            " target's own)",
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

    Exit 0 yes, 1 no, 2 could not check. Only reads.
    """
    place = place_named(target, drill_config, None)
    settings, guard = place.settings, place.open("posture")
    environment = guard.at.environment
    plans = settings.environments[environment].backups if environment else ()
    verdicts = judge(
        store_of(guard.target, store),
        [Plan(plan.every, plan.at, plan.keep_days) for plan in plans],
        now=datetime.now(UTC),
        may_lose_s=settings.objectives.data_loss_s,
        restore_limit_s=settings.objectives.rb2_recovery_s,
        proven=read_restore(drill_run or Path(settings.drill.reports) / "latest"),
        kind=guard.at.kind,
        simulated=isinstance(guard.target, Simulated) and guard.target.simulated,
    )
    outcome = outcome_of(verdicts)
    if json:
        cli.answer({"outcome": outcome, "environment": environment, "verdicts": verdicts})
        return EXIT[outcome]
    print_verdicts(verdicts)
    sys.stdout.write(f"{outcome.upper()}: backups of {guard.at.target}\n")
    return EXIT[outcome]
