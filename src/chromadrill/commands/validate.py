"""Is this database what it was?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.core.errors import UsageError
from chromadrill.drill import validate as engine

app = application()


@app.command(cls=Command)
def validate(
    url: options.Url = None,
    path: options.DataPath = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: options.CollectionName = None,
    all_: options.All = False,
    fingerprint: Annotated[
        Path | None,
        typer.Option("--fingerprint", metavar="FILE", help="what it has to be equal to"),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="also serve a private copy of --path")
    ] = False,
    rebuilt: Annotated[
        bool,
        typer.Option("--rebuilt", help="vectors were embedded anew: cosine >= 0.9999 will do"),
    ] = False,
    json: options.Json = False,
) -> int:
    """Is this database what it was? Exit 0 proven, 1 it differs, 2 could not check."""
    options.require_one_of({"--collection-name": collection_name, "--all": all_})
    if rebuilt and not (fingerprint and url and not path):
        raise UsageError("--rebuilt needs --fingerprint and --url.")
    server = options.ServerOptions(url, tenant, database, scope)
    counts, verdicts = engine.validate(
        server.source(path),
        server.scopes(),
        fingerprint_file.load(fingerprint) if fingerprint else None,
        collection_name,
        serve=serve,
        rebuilt=rebuilt,
    )
    return report(verdicts, collections_json(counts, verdicts), as_json=json)
