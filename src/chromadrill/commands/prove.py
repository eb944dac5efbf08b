"""Your own backups, proven: of a source in drill.toml, or the one at a path."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.drill import PASS_ON, Environment
from chromadrill.commands.groups import Command, application
from chromadrill.commands.product import run_pytest
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.settings import Settings, load
from chromadrill.drill.backup_selection import Wanted, select

app = application()


@app.command(
    cls=Command, context_settings=PASS_ON, options_metavar="[OPTIONS] [PYTEST ARGUMENTS]..."
)
def prove(
    context: typer.Context,
    backup: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|PATH]",
            help="[backups.NAME] of drill.toml, a backup's path, or restic:REPOSITORY"
            " (default: the only [backups.NAME])",
        ),
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option("--pick", metavar="ID", help="newest (default), random, or an id; repeatable"),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="all that are not proven yet")] = False,
    by_chance: Annotated[
        int, typer.Option("--random", metavar="N", min=0, help="N old ones by chance, too")
    ] = 0,
    environment: Environment = None,
    drill_config: options.DrillConfig = None,
) -> int:
    """RB-2: would your own backup bring everything back? It is fetched, served and compared.

    Production is only read. Other arguments go to pytest. The record of the run is in reports/ of the
    working directory. Exit 0 proven (or nothing new), 1 not proven, 2 could not tell.
    """
    settings = load(drill_config, command_line={"drill.environment": environment})
    name = backup or _only_source(settings)
    wanted = Wanted(tuple(pick or ()), new=new, by_chance=by_chance)
    selection = select(settings, name, wanted)
    if selection.remark:
        cli.say(selection.remark)
    if not selection.picked:
        sys.stdout.write(selection.nothing_new() + "\n")
        return cli.DONE
    ids = [artefact.id for artefact in selection.picked]
    if len(selection.artefacts) > 1:
        cli.say(f"{selection.source.where}: {', '.join(ids)} of {len(selection.artefacts)}.")
    chosen = [f"--pick={word}" for word in selection.words(wanted)]
    run_pytest(
        "drill",
        {"--backup": name, "--environment": environment, "--drill-config": drill_config},
        [*chosen, *context.args],
    )


def _only_source(settings: Settings) -> str:
    """The one source of the settings. Raises UsageError where there is none, or a choice."""
    names = [name for name, table in settings.backups.items() if table.source]
    if len(names) == 1:
        return names[0]
    if names:
        raise UsageError(f"Name one of your sources: {', '.join(names)}.")
    raise UsageError(
        "Name the backup: chromadrill prove PATH.",
        next_step="Or say where your backups lie: [backups.production] source = ... in drill.toml.",
    )
