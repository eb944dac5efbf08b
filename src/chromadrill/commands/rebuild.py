"""RB-3: make a collection again from PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.commands.collection_rebuild import Job, run, since_time, with_job
from chromadrill.commands.groups import Command, application
from chromadrill.recovery.reconcile.findings_file import wrong_vectors

app = application()


@app.command(cls=Command)
@with_job
def rebuild(
    job: Job,
    from_postgresql: Annotated[bool, typer.Option("--from-postgresql", help="the only source")],
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="[source.NAME] (default: [source])"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="embed only rows changed since; refuse where more did"
        ),
    ] = None,
    embed_again: Annotated[
        Path | None,
        typer.Option(
            "--embed-again",
            metavar="FILE",
            help="of `reconcile --output-file`: the vectors that it found wrong are made anew",
        ),
    ] = None,
) -> int:
    """RB-3: make a collection again from PostgreSQL, prove it, and give it its name.

    It is filled as NAME.rebuilding. The same command after a kill goes on, and embeds nothing
    twice. What had the name is kept as NAME.before-rebuild. DATABASE_URL names the database,
    [source] of drill.toml the table.
    """
    del from_postgresql  # says what is done; required, so that nobody guesses
    doubted = frozenset(wrong_vectors(embed_again)) if embed_again else frozenset[str]()
    instant = since_time(since) if since else None
    return run(replace(job, source_name=source, since=instant, embed_again=doubted))
