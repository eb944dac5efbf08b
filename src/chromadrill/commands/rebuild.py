"""RB-3: make a collection again from PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from chromadrill.commands import collection_rebuild as shared
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application

app = application()


@app.command(cls=Command)
def rebuild(
    from_postgresql: Annotated[bool, typer.Option("--from-postgresql", help="the only source")],
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
    json: options.Json = False,
) -> int:
    """RB-3: make a collection again from PostgreSQL, prove it, and give it its name.

    It is filled as NAME.rebuilding. The same command after a kill goes on, and embeds nothing
    twice. What had the name is kept as NAME.before-rebuild. DATABASE_URL names the database,
    [source] of drill.toml the table.
    """
    del from_postgresql  # says what is done; required, so that nobody guesses
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
            since=shared.since_time(since) if since else None,
        )
    )
