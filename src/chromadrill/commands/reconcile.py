"""Does a collection say what its source says? Both ways, read only, for a schedule."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.options import ServerOptions
from chromadrill.commands.output import collections_json, print_line, report
from chromadrill.core import settings
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.files import write_atomic
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.core.progress import on_stderr
from chromadrill.core.protocols import Model
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.embedding import embedders
from chromadrill.embedding.identity import describe
from chromadrill.recovery.reconcile.findings_file import write_findings
from chromadrill.recovery.reconcile.repair_plan import (
    Typed,
    orphans_body,
    orphans_file,
    repair_plan,
)
from chromadrill.recovery.reconcile.run import reconcile as compare
from chromadrill.recovery.reconcile.task import SAMPLE, ReconcileResult, ReconcileTask
from chromadrill.recovery.reconcile.vector_memory import VectorMemory
from chromadrill.recovery.sources.postgresql import open_table

app = application()


@app.command(cls=Command)
def reconcile(
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: Annotated[
        str | None,
        typer.Option("--collection-name", metavar="NAME", help="default: the source's collection"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="[source.NAME] (default: [source])"),
    ] = None,
    embed: Annotated[
        str,
        typer.Option(
            "--embed", metavar="N|all|none", show_default=True,
            help="vectors to embed again, of those that nothing is known of",
        ),
    ] = str(SAMPLE),
    memory: Annotated[
        Path | None,
        typer.Option(
            "--memory", metavar="FILE",
            help="vectors that earlier runs embedded: none is embedded twice",
        ),
    ] = None,
    settle: Annotated[
        float,
        typer.Option(
            "--settle", metavar="SECONDS", show_default=True,
            help="a difference that stood still for so long is named",
        ),
    ] = 5.0,
    output_file: Annotated[
        Path | None,
        typer.Option("--output-file", metavar="FILE", help="every difference, one JSON line each"),
    ] = None,
    drill_config: options.DrillConfig = None,
    json: options.Json = False,
) -> int:  # fmt: skip
    """Hold a collection against its source, both ways: rows, texts, metadata, vectors.

    It only reads, also while clients write. Exit 0: equal; 1: it differs; 2: could not compare.
    """
    if not 0 <= settle < float("inf"):
        raise UsageError("--settle: seconds, 0 or more.")
    sample, wants_vectors = _sample(embed)
    server = ServerOptions(url, tenant, database, scope)
    known = settings.load(drill_config)
    address = server.require_url()
    table = known.source.table_named(source) if source else known.source
    task = ReconcileTask(
        _scope(server),
        collection_name or table.collection,
        sample,
        settle,
        embedders.documents_at_once(known.embedding),
        known.embedding.least_cosine,
    )
    typed = Typed(
        without_password(address),
        source or table.table,
        source,
        str(drill_config) if drill_config else None,
        str(output_file) if output_file else None,
    )
    load_model = partial(_load_model, known) if wants_vectors else None
    with write_findings(output_file) as write, connect(address, deadline_s=LONG_S) as chroma:
        try:
            result = compare(
                chroma,
                partial(open_table, _database_url(known), table),
                task,
                load_model=load_model,
                open_memory=lambda model: VectorMemory(memory, describe(model)),
                on_finding=write,
                progress=on_stderr,
            )
        except Refused as error:  # of the source: no collection could be made of it
            raise Unavailable(error.sentence, next_step=error.next_step) from error
    plan = repair_plan(task, result, typed)
    findings = typed.findings
    if findings and (body := orphans_body(result.tally, plan, findings)):
        write_atomic(Path(orphans_file(findings)), body)
    return _report(task, result, typed, plan, as_json=json)


def _sample(text: str) -> tuple[int | None, bool]:
    """(vectors to embed, None for all; whether vectors are judged at all) of `--embed`."""
    if text in ("all", "none"):
        return None, text == "all"
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"--embed '{text}': a number, all or none.")
    return int(text), True


def _scope(server: ServerOptions) -> Scope:
    scopes = server.scopes() or (Scope(),)
    if len(scopes) > 1:
        raise UsageError("--scope: a collection is compared in one place.")
    return scopes[0]


def _database_url(known: Settings) -> str:
    if known.source.database_url is None:
        raise Unavailable(
            "DATABASE_URL is not set: there is no source to compare with.",
            next_step="export DATABASE_URL=postgresql://USER@HOST:5432/DATABASE",
        )
    return known.source.database_url.get_secret_value()


def _load_model(known: Settings, info: CollectionInfo) -> Model:
    return embedders.load(known.embedding, info)


def _report(
    task: ReconcileTask, result: ReconcileResult, typed: Typed, plan: list[str], *, as_json: bool
) -> int:
    cover = result.cover
    more: dict[str, Any] = {
        "rows": result.rows,
        "differences": {str(kind): count for kind, count in sorted(result.tally.counts.items())},
        "vectors": {
            "records": cover.records,
            "remembered": cover.remembered,
            "embedded": cover.embedded,
            "unseen": cover.unseen,
        },
        "unsettled": result.unsettled_ids,
        "notes": result.notes,
        "plan": plan,
        "seconds": {phase: round(seconds, 2) for phase, seconds in result.seconds.items()},
    }
    if typed.findings:
        more["output_file"] = typed.findings
    collections = collections_json({task.key: result.records}, result.verdicts)
    code = report(result.verdicts, collections, as_json=as_json, **more)
    if plan and not as_json:
        print_line("To repair it:")
        for line in plan:
            print_line(f"  {line}")
    return code
