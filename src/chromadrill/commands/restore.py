"""RB-4: bring an export back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.export import importer
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.staging import plan
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.core.errors import UsageError
from chromadrill.core.progress import on_stderr
from chromadrill.core.settings import load
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.targets.guarded import require_may_import

app = application()


@app.command(cls=Command)
def restore(
    input_file: Annotated[Path, typer.Option("--input-file", metavar="FILE", help="an export")],
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="NAME", help="another name, beside the original")
    ] = None,
    break_glass: options.BreakGlassUrl = None,
    json: options.Json = False,
) -> int:
    """RB-4: bring an export back via the API, and prove it before it gets its name.

    Only into places that are empty. A file that was cut or altered is refused before anything is
    created.
    """
    server = options.ServerOptions(url, tenant, database, scope)
    address = server.require_url()
    require_may_import(load(), address, break_glass)
    scopes = server.scopes()
    if len(scopes) > 1:
        raise UsageError("--scope: an export is restored into one scope, or where it came from.")
    place = scopes[0] if scopes else None
    export = open_export(input_file)
    with connect(address, deadline_s=LONG_S, break_glass=break_glass) as chroma:
        verdicts = importer.restore(chroma, export, into=into, scope=place, progress=on_stderr)
    moves = plan(export, into=into, scope=place)
    counts = {move.to: export.fingerprint.collections[move.key].count for move in moves}
    return report(verdicts, collections_json(counts, verdicts), as_json=json)
