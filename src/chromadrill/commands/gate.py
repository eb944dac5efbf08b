"""The release gate: pytest -m gate, from the clone or from the installed package."""

from __future__ import annotations

import typer

from chromadrill.commands import options
from chromadrill.commands.drill import PASS_ON, AllowDamage, CleanUp, Environment
from chromadrill.commands.groups import Command, application
from chromadrill.commands.product import run_pytest

app = application()


@app.command(
    cls=Command, context_settings=PASS_ON, options_metavar="[OPTIONS] [PYTEST ARGUMENTS]..."
)
def gate(
    context: typer.Context,
    target: options.TargetName = None,
    environment: Environment = None,
    allow_damage: AllowDamage = None,
    clean_up: CleanUp = False,
    drill_config: options.DrillConfig = None,
) -> int:
    """The release gate: is the target healthy, full and fast, and is a small restore proven?

    Other arguments go to pytest. The record of the run is in reports/ of the working directory.
    Exit 0 proven, 1 failed, 2 could not tell.
    """
    run_pytest(
        "gate",
        {
            "--target": target,
            "--environment": environment,
            "--allow-damage": allow_damage,
            "--clean-up": clean_up,
            "--drill-config": drill_config,
        },
        context.args,
    )
