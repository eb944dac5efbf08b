"""RB-4: export collections."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.export.between import export_between
from chromadrill.backups.export.completeness import damaged, empty
from chromadrill.backups.export.exporter import export, inventory
from chromadrill.backups.export.requirements import notes
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.core import cli
from chromadrill.core.errors import DrillError, UsageError
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.progress import on_stderr
from chromadrill.core.settings import load
from chromadrill.core.urls import without_password
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.monitoring.backup_notice import record_backup_attempt

app = application()


class _PartialBackup(DrillError):
    """An export that is kept, and is no backup of everything."""


@app.command(cls=Command)
def backup(
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: options.CollectionName = None,
    all_: options.All = False,
    inventory_: Annotated[
        bool, typer.Option("--inventory", help="metadata alone: no backup")
    ] = False,
    output_file: Annotated[
        Path | None, typer.Option("--output-file", metavar="FILE", help="the export to write")
    ] = None,
    retry: Annotated[int, typer.Option("--retry", metavar="N", help="tries more when torn")] = 0,
    skip_damaged: Annotated[
        bool,
        typer.Option("--skip-damaged", help="leave out what is damaged: never PASS, exit 2"),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="also a good export that holds records now gone")
    ] = False,
    between: Annotated[
        bool,
        typer.Option("--between", help="keep what clients write to, with how much of it is proven"),
    ] = False,
    json: options.Json = False,
) -> int:
    """RB-4: export collections, whole, to a file that others can read too.

    The suffix is the format: .json, .jsonl, .jsonl.zst, .parquet (one collection), none: a folder
    with a Parquet file for each. Read twice and read back: exit 2, and no file, if somebody wrote
    meanwhile. With --between it is read before and after instead, and kept: the file says its coverage.
    """
    options.require_one_of(
        {"--collection-name": collection_name, "--all": all_, "--inventory": inventory_}
    )
    if retry < 0:
        raise UsageError("--retry: 0 or more.")
    if between and (retry or skip_damaged or inventory_):
        raise UsageError("--between: without --retry, --skip-damaged and --inventory.")
    if not (inventory_ or output_file):
        raise UsageError("--output-file is missing.")
    server = options.ServerOptions(url, tenant, database, scope)
    address, scopes = server.require_url(), server.scopes() or (Scope(),)
    # a backup of everything is noted and pings its heartbeat; a part of it is no backup
    name = without_password(address.rstrip("/"))
    attempt = record_backup_attempt(load(), name) if all_ else nullcontext()
    with (
        suppress(_PartialBackup),
        attempt,
        connect(address, deadline_s=LONG_S) as chroma,
    ):
        if output_file is None or inventory_:
            collections = [
                {**dataclasses.asdict(info), "count": chroma.count(info)}
                for info in inventory(chroma, scopes)
            ]
            cli.write_json({"collections": collections}, output_file)
            return cli.DONE
        if between:
            written = export_between(
                chroma,
                output_file,
                scopes=scopes,
                name=collection_name,
                replace=replace,
                progress=on_stderr,
            )
        else:
            written = export(
                chroma,
                output_file,
                scopes=scopes,
                name=collection_name,
                retry=retry,
                skip_damaged=skip_damaged,
                replace=replace,
                progress=on_stderr,
            )
        counts = {key: one.count for key, one in written.fingerprint.collections.items()}
        verdicts = [*damaged(written.damage, "left out as damaged"), *empty(counts)]
        verdicts += [written.covered] if written.covered else []
        bad = [verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS]
        if bad:
            # noted as a failed attempt: the newest whole backup is still an older one
            raise _PartialBackup(bad[0].message)
    return report(
        verdicts or None,
        collections_json(counts),
        as_json=json,
        written=str(written.path),
        bytes=written.bytes,
        tries=written.tries,
        notes=notes(written.requires),
        requires=written.requires,
        **({"coverage": written.coverage} if written.coverage else {}),
    )
