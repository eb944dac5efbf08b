"""The restore drill: pytest -m drill, from the clone or from the installed package."""

from __future__ import annotations

from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.product import run_pytest
from chromadrill.core import cli
from chromadrill.core.settings import load
from chromadrill.drill.backup_selection import require_source

app = application()

Environment = Annotated[
    str | None,
    typer.Option(
        "--environment", metavar="NAME", help="[environments.NAME]: its limits and its role"
    ),
]
AllowDamage = Annotated[
    str | None,
    typer.Option(
        "--allow-damage", metavar="T", help="the target again: it may be stopped and damaged"
    ),
]
CleanUp = Annotated[bool, typer.Option("--clean-up", help="first remove what dead runs left there")]
# what is not an option of ours goes on to pytest or locust, in its order
PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


@app.command(
    cls=Command, context_settings=PASS_ON, options_metavar="[OPTIONS] [PYTEST ARGUMENTS]..."
)
def drill(
    context: typer.Context,
    target: options.TargetName = None,
    backup: Annotated[
        str | None,
        typer.Option(
            "--backup", metavar="NAME|PATH", help="prove this backup, and run nothing else"
        ),
    ] = None,
    records: Annotated[
        int | None,
        typer.Option("--records", metavar="N", help="records in the main collection (3000)"),
    ] = None,
    environment: Environment = None,
    allow_damage: AllowDamage = None,
    clean_up: CleanUp = False,
    drill_config: options.DrillConfig = None,
) -> int:
    """RB-8: break a server, restore it as on-call would, compare every record, and time it.

    Other arguments go to pytest, e.g. -k monthly -x. The record of the run is in reports/ of the
    working directory. Exit 0 proven, 1 failed, 2 could not tell.
    """
    if backup is not None:  # at once: pytest would read all suites first
        remark = require_source(load(drill_config), backup)
        if remark:
            cli.say(remark)
    run_pytest(
        "drill",
        {
            "--target": target,
            "--backup": backup,
            "--records": records,
            "--environment": environment,
            "--allow-damage": allow_damage,
            "--clean-up": clean_up,
            "--drill-config": drill_config,
        },
        context.args,
    )
