"""RB-6: is every search fast enough, and right?"""

from __future__ import annotations

from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.core.errors import UsageError
from chromadrill.drill import search_performance
from chromadrill.drill.connection import connect

app = application()
QUERIES_MAX = 1_000_000


@app.command(cls=Command)
def performance(
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    target_latency: Annotated[
        float,
        typer.Option("--target-latency", metavar="MS", show_default="2000", help="each search"),
    ] = 2000.0,
    queries: Annotated[
        int, typer.Option("--queries", metavar="N", show_default=True, help="searches")
    ] = 100,
    json: options.Json = False,
) -> int:
    """RB-6: is every search fast enough, and right? Exit 0 yes, 1 no, 2 could not check. Only reads."""
    if not 0 < target_latency < 1e9:
        raise UsageError(f"--target-latency {target_latency:g}: milliseconds above 0 are wanted.")
    if not 0 < queries <= QUERIES_MAX:
        raise UsageError(f"--queries {queries}: 1 to {QUERIES_MAX} are wanted.")
    # one that takes twice what it may has failed; nobody need wait for it
    deadline_s = max(5.0, 2 * target_latency / 1000)
    server = options.ServerOptions(url, tenant, database, scope)
    with connect(server.require_url(), deadline_s=deadline_s) as chroma:
        result = search_performance.measure_search(chroma, server.scopes(), queries, target_latency)
    collections = collections_json(result.counts, result.verdicts)
    return report(result.verdicts, collections, as_json=json, **result.milliseconds)
