"""RB-5: does the collection hold enough records?"""

from __future__ import annotations

from typing import Annotated

import typer

from chromadrill.checks.objectives import at_least
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.drill.collection_counts import collection_counts
from chromadrill.drill.connection import connect

app = application()


@app.command(cls=Command)
def counts(
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: Annotated[
        str | None,
        typer.Option(
            "--collection-name", metavar="NAME", help="default: bmad_embeddings if there, else all"
        ),
    ] = None,
    expected_min: Annotated[
        int,
        typer.Option(
            "--expected-min", metavar="N", show_default=True, help="at least so many records"
        ),
    ] = 1000,
    json: options.Json = False,
) -> int:
    """RB-5: does the collection hold enough records? Exit 0 yes, 1 no, 2 could not check."""
    server = options.ServerOptions(url, tenant, database, scope)
    with connect(server.require_url()) as chroma:
        records = collection_counts(chroma, server.scopes(), collection_name)
    verdict = at_least("counts", sum(records.values()), expected_min, unit="records")
    return report([verdict], collections_json(records, [verdict]), as_json=json)
