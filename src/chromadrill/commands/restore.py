"""RB-4: bring an export back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chromadrill.backups.export import importer
from chromadrill.backups.export.completeness import shortcomings
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.places import places_named
from chromadrill.backups.export.staging import plan
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.core.progress import on_stderr
from chromadrill.core.settings import load
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.targets.guarded import require_may_import

app = application()

RestoreScopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="TENANT/DATABASE[=TENANT/DATABASE]",
        help="repeatable: restore this one, or as another",
    ),
]


@app.command(cls=Command)
def restore(
    input_file: Annotated[Path, typer.Option("--input-file", metavar="FILE", help="an export")],
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: RestoreScopes = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="NAME", help="another name, beside the original")
    ] = None,
    break_glass: options.BreakGlassUrl = None,
    json: options.Json = False,
) -> int:
    """RB-4: bring an export back via the API, and prove it before it gets its name.

    Only into places that are empty. A file that was cut or altered is refused before anything is
    created, and so is one that holds what this server will not take. --scope of a database in the
    file: that one is restored. FROM=TO: as another. One that is not in the file: all goes there.
    """
    server = options.ServerOptions(url, tenant, database, scope)
    address = server.require_url()
    require_may_import(load(), address, break_glass)
    export = open_export(input_file)
    places = places_named(export, scope or [str(named) for named in server.scopes()])
    moves = plan(export, into=into, places=places)
    with connect(address, deadline_s=LONG_S, break_glass=break_glass) as chroma:
        verdicts = importer.restore(chroma, export, into=into, places=places, progress=on_stderr)
    counts = {move.to: export.fingerprint.collections[move.key].count for move in moves}
    verdicts += shortcomings(export, counts, places.keys())
    facts = ("left_out", "coverage")
    more: dict[str, Any] = {key: export.about[key] for key in facts if key in export.about}
    if "coverage" in more:
        more["notes"] = [_coverage_note(more["coverage"])]
    return report(verdicts, collections_json(counts, verdicts), as_json=json, **more)


def _coverage_note(coverage: object) -> str:
    """What an export says of itself that was taken while clients wrote: it is of no one instant."""
    sentence = coverage.get("sentence") if isinstance(coverage, dict) else None
    return (
        f"this export was taken while clients wrote: {sentence or 'how much is proven is not said'}"
    )
