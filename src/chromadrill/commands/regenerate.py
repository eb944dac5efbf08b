"""RB-3: embed every document of a source anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from chromadrill.commands.collection_rebuild import Job, run, with_job
from chromadrill.commands.groups import Command, application

app = application()


@app.command(cls=Command)
@with_job
def regenerate(
    job: Job,
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="[source.NAME]")],
    from_documents: Annotated[
        bool,
        typer.Option("--from-documents", help="of the collection itself, not PostgreSQL"),
    ] = False,
) -> int:
    """RB-3: embed every document of a source anew, prove it, and swap the collection.

    As `rebuild`, but no vector is taken over: for vectors that are damaged or doubted.
    """
    return run(replace(job, source_name=source, fresh=True, from_documents=from_documents))
