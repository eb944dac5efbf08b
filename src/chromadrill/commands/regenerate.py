"""RB-3: embed every document of a source anew."""

from __future__ import annotations

from typing import Annotated

import typer

from chromadrill.commands import collection_rebuild as shared
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application

app = application()


@app.command(cls=Command)
def regenerate(
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="[source.NAME]")],
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: shared.CollectionName = None,
    batch_size: shared.BatchSize = None,
    fingerprint: shared.Fingerprint = None,
    drop_old: shared.DropOld = False,
    drill_config: options.DrillConfig = None,
    break_glass: options.BreakGlassUrl = None,
    from_documents: Annotated[
        bool,
        typer.Option("--from-documents", help="of the collection itself, not PostgreSQL"),
    ] = False,
    json: options.Json = False,
) -> int:
    """RB-3: embed every document of a source anew, prove it, and swap the collection.

    As `rebuild`, but no vector is taken over: for vectors that are damaged or doubted.
    """
    return shared.run(
        shared.Job(
            server=options.ServerOptions(url, tenant, database, scope),
            source_name=source,
            collection_name=collection_name,
            batch_size=batch_size,
            fingerprint=fingerprint,
            drop_old=drop_old,
            drill_config=drill_config,
            break_glass=break_glass,
            json=json,
            fresh=True,
            from_documents=from_documents,
        )
    )
