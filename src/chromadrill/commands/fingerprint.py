"""Take the fingerprint of a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.drill.fingerprint import take_fingerprint

app = application()
RECORDED = (
    "clients write to this server: each record is as it was at some time meanwhile, and no questions"
    " were asked. Take another one after the backup: chromadrill validate --fingerprint BEFORE"
    " --until AFTER"
)


@app.command(cls=Command)
def fingerprint(
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="the fingerprint file to write")
    ],
    url: options.Url = None,
    path: options.DataPath = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    json: options.Json = False,
) -> int:
    """Take the fingerprint of a database: what it holds and how it answers. Only reads."""
    server = options.ServerOptions(url, tenant, database, scope)
    result = take_fingerprint(server.source(path), server.scopes())
    fingerprint_file.save(result, output)
    counts = {key: collection.count for key, collection in result.collections.items()}
    notes = [RECORDED] if result.taken == "recording" else []
    return report(None, collections_json(counts), as_json=json, written=str(output), notes=notes)
