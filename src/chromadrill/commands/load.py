"""Clients on a fixed schedule: locust on the load profiles of the clone or the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromadrill.commands.drill import PASS_ON
from chromadrill.commands.groups import Command, application
from chromadrill.commands.product import run_locust

app = application()


@app.command(
    cls=Command, context_settings=PASS_ON, options_metavar="[OPTIONS] [LOCUST ARGUMENTS]..."
)
def load(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", envvar="CHROMA_URL", show_envvar=True, metavar="URL", help="the server"
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="smoke, steady, peak, soak, spike, mixed or recovery (smoke)",
        ),
    ] = None,
    run_time: Annotated[
        str | None, typer.Option("--run-time", metavar="3m", help="shorter than the profile's own")
    ] = None,
    result: Annotated[
        Path | None,
        typer.Option("--result", metavar="FILE", help="the verdict; samples and picture beside it"),
    ] = None,
    web: Annotated[
        bool, typer.Option("--web", help="start it on locust's page, and watch")
    ] = False,
) -> int:
    """RB-6: clients arrive on a fixed schedule, whatever the server does, and are judged by raw samples.

    Other arguments go to locust, e.g. --master. The result is in reports/ of the working directory.
    Exit 0 good, 1 not, 2 could not tell. Ctrl-C ends the run, and judges what there is.
    """
    on_page = web or "--worker" in context.args
    run_locust(
        {
            "--headless": not on_page,
            "--only-summary": not on_page,
            "--host": host,
            "--profile": profile,
            "--run-time": run_time,
            "--result": result,
        },
        context.args,
    )
