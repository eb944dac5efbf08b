"""What `rebuild` and `regenerate` share: a job and settings -> `recovery.rebuild` -> a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from chromadrill.checks.objectives import percentile
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.commands import options
from chromadrill.commands.bill_agreement import agree
from chromadrill.commands.options import ServerOptions
from chromadrill.commands.output import collections_json, report
from chromadrill.commands.rebuild_workers import say_shares, shares_json, worker_plan
from chromadrill.core import cli, settings
from chromadrill.core.clock import parse_time
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import CollectionInfo, CollectionPrint, Scope
from chromadrill.core.progress import on_stderr
from chromadrill.core.protocols import Model
from chromadrill.core.settings import Settings, SourceTable
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.embedding import embedders
from chromadrill.recovery.name_swap import undo_half_swap
from chromadrill.recovery.rebuild import rebuild
from chromadrill.recovery.rebuild_task import RebuildResult, RebuildTask
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.sources.rows import RowSource
from chromadrill.recovery.sources.stored_documents import stored_documents
from chromadrill.recovery.vectors_from.lender import Lender
from chromadrill.recovery.vectors_from.open_lenders import open_lenders
from chromadrill.recovery.workers.plan import workers_named
from chromadrill.targets.guarded import require_may_import

CollectionName = Annotated[
    str | None,
    typer.Option("--collection-name", metavar="NAME", help="default: the source's collection"),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", metavar="N", help="documents embedded together")
]
Fingerprint = Annotated[
    Path | None,
    typer.Option("--fingerprint", metavar="FILE", help="of the lost database: its vectors too"),
]
VectorsFrom = Annotated[
    list[str] | None,
    typer.Option(
        "--vectors-from",
        metavar="X",
        help="take vectors of unchanged documents over: a collection, an export, a backup or data"
        " directory at rest, PATH#COLLECTION; may be repeated",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="embed, however much it is")]
DropOld = Annotated[bool, typer.Option("--drop-old", help="keep no copy from before")]
Workers = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="N|tcp://...",
        help="embed in N processes, or on the Dask cluster of this scheduler",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One collection to rebuild, as it was typed.

    `source_name`: None for `[source]`. `fresh`: no vector is taken over. `from_documents`: the
    collection itself is the source.
    """

    server: ServerOptions
    collection_name: str | None
    batch_size: int | None
    fingerprint: Path | None
    drop_old: bool
    workers: str | None
    drill_config: Path | None
    break_glass: str | None
    yes: bool
    json: bool
    source_name: str | None = None
    fresh: bool = False
    from_documents: bool = False
    vectors_from: tuple[str, ...] = ()
    since: datetime | None = None
    embed_again: frozenset[str] = frozenset()


def _job_of(
    url: options.Url = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: CollectionName = None,
    batch_size: BatchSize = None,
    fingerprint: Fingerprint = None,
    vectors_from: VectorsFrom = None,
    drop_old: DropOld = False,
    workers: Workers = None,
    drill_config: options.DrillConfig = None,
    break_glass: options.BreakGlassUrl = None,
    yes: Yes = False,
    json: options.Json = False,
) -> Job:
    """The options that both commands have."""
    return Job(
        server=ServerOptions(url, tenant, database, scope),
        collection_name=collection_name,
        batch_size=batch_size,
        fingerprint=fingerprint,
        vectors_from=tuple(vectors_from or ()),
        drop_old=drop_old,
        workers=workers,
        drill_config=drill_config,
        break_glass=break_glass,
        yes=yes,
        json=json,
    )


def with_job(command: Callable[..., int]) -> Callable[..., int]:
    """`command(job, ...)` as typer wants it: its own options, then those of every job.

    typer reads the options of a command off its signature, hence the one that is put together here.
    """
    _, *own = signature(command, eval_str=True).parameters.values()
    shared = signature(_job_of, eval_str=True).parameters

    @wraps(command)
    def typed_command(**typed: Any) -> int:
        job = _job_of(**{name: typed.pop(name) for name in shared})
        return command(job, **typed)

    typed_command.__signature__ = Signature([*own, *shared.values()])  # type: ignore[attr-defined]
    return typed_command


def run(job: Job) -> int:
    """Rebuild the collection of the job; returns the exit code.

    What costs nothing fails first: settings, server, database, and then the model is loaded.
    """
    if job.batch_size is not None and job.batch_size < 1:
        raise UsageError("--batch-size: 1 or more.")
    known = settings.load(job.drill_config, command_line={"embedding.batch_size": job.batch_size})
    url = job.server.require_url()
    require_may_import(known, url, job.break_glass)
    table = known.source.table_named(job.source_name) if job.source_name else known.source
    task = _task(job, known, table)
    if job.workers:
        workers_named(job.workers)
    lost = _lost_collection(job.fingerprint, task) if job.fingerprint else None
    with (
        connect(url, deadline_s=LONG_S, break_glass=job.break_glass) as chroma,
        _source(chroma, known, table, task, job) as source,
        open_lenders(chroma, job.vectors_from, task.scope, task.name) as lenders,
    ):
        collection = _named_collection(chroma, task, lost, lenders)
        model = embedders.load(known.embedding, collection)
        at_once = embedders.documents_at_once(known.embedding, collection)
        task = replace(task, batch_size=at_once, least_cosine=known.embedding.least_cosine)
        plan = worker_plan(job.workers, known, table, source, collection)
        result = rebuild(
            chroma,
            source,
            model,
            task,
            lost=lost,
            lenders=lenders,
            workers=plan,
            progress=on_stderr,
            agree=lambda bill: agree(
                bill, known.embedding.ask_above_tokens, kept_in=task.staging, yes=job.yes
            ),
        )
    if result.discarded:
        cli.say(
            f"{task.staging} had wrong vectors and was removed."
            " To make new ones: chromadrill regenerate --source NAME"
        )
    if result.staged:
        cli.say(
            f"{task.staging} is created and not proven; what clients see of {task.key} was not changed."
            " Where only records are missing that were deleted on purpose, the same command without"
            " --fingerprint goes on with it."
        )
    return _report(job, task, result, model)


def _task(job: Job, known: Settings, table: SourceTable) -> RebuildTask:
    scopes = job.server.scopes() or (Scope(),)
    if len(scopes) > 1:
        raise UsageError("--scope: a collection is rebuilt in one place.")
    return RebuildTask(
        scope=scopes[0],
        name=job.collection_name or table.collection,
        space=table.space,
        fresh=job.fresh,
        bounded=job.since is not None,
        drop_old=job.drop_old,
        embed_again=job.embed_again,
    )


def _named_collection(
    chroma: Chroma, task: RebuildTask, lost: CollectionPrint | None, lenders: Sequence[Lender]
) -> CollectionInfo | None:
    """What knows the embedding function: the collection, one that is being made, the lost one, or
    the first that lends its vectors.
    """
    infos = {info.name: info for info in chroma.collections(task.scope)}
    names = (task.name, task.staging, task.aside)
    known = [infos[name] for name in names if name in infos]
    known += [lost.info] if lost else []
    known += [lender.info for lender in lenders]
    return known[0] if known else None


@contextmanager
def _source(
    chroma: Chroma,
    known: Settings,
    table: SourceTable,
    task: RebuildTask,
    job: Job,
) -> Iterator[RowSource]:
    if job.from_documents:  # the collection is the source: it needs its name
        _undo_half_swap(chroma, task)
        yield stored_documents(chroma, chroma.collections(task.scope), task.name)
        return
    if known.source.database_url is None:
        raise Unavailable(
            "DATABASE_URL is not set: there is no source to rebuild from.",
            next_step="export DATABASE_URL=postgresql://USER@HOST:5432/DATABASE",
        )
    address = known.source.database_url.get_secret_value()
    with open_table(address, table, since=job.since) as source:
        for note in source.notes:
            cli.say(note)
        _undo_half_swap(chroma, task)
        yield source


def _undo_half_swap(chroma: Chroma, task: RebuildTask) -> None:
    if undo_half_swap(chroma, task):
        cli.say(f"{task.key}: the swap that an earlier run had left half done was undone.")


def _lost_collection(path: Path, task: RebuildTask) -> CollectionPrint:
    collections = fingerprint_file.load(path).collections
    if task.key not in collections:
        raise UsageError(f"{path} knows no {task.key}. Known: {', '.join(sorted(collections))}.")
    return collections[task.key]


def since_time(text: str) -> datetime:
    """`--since`: ISO 8601, UTC where it names no zone. Raises UsageError."""
    try:
        return parse_time(text)
    except ValueError as error:
        raise UsageError(f"--since: '{text}' is no time; e.g. 2026-11-24T18:00:00Z.") from error


def _report(job: Job, task: RebuildTask, result: RebuildResult, model: Model) -> int:
    fill_s = result.seconds.get("fill", 0.0)
    more: dict[str, Any] = {
        "changed": result.changed,
        "embedded": result.embedded,
        "copied": result.copied,
        "resumed": result.resumed,
        "seconds": {phase: round(seconds, 2) for phase, seconds in result.seconds.items()},
    }
    if result.embedded:
        more["documents_per_s"] = round(result.embedded / fill_s, 1)
    if result.bill and job.json:
        more["bill"] = result.bill.to_json()
    if result.single_ms:
        more["ms_per_document_p90"] = percentile(result.single_ms, 90)
    if result.loans:
        more |= _loans(job, result)
    if job.json:
        more["embedder"] = dict(model.facts())
        more["single_ms"] = list(result.single_ms)
        if result.workers:
            more["workers"] = shares_json(result)
    else:
        facts = model.facts()
        shown = ("threads", "workers", "requests", "retries", "tokens")
        more |= {key: facts[key] for key in shown if key in facts}
        if result.workers:
            more["workers"] = len(result.workers)
            say_shares(result)
    if result.old:
        more["old"] = result.old
    collections = collections_json({task.key: result.rows}, result.verdicts)
    return report(result.verdicts, collections, as_json=job.json, **more)


def _loans(job: Job, result: RebuildResult) -> dict[str, Any]:
    """How much was taken over, in all and of each lender."""
    if not job.json:
        for loan in result.loans:
            cli.say(loan.sentence)
    return {
        "taken_over_percent": round(100 * result.copied / result.rows, 1),
        "vectors_from": [loan.as_json() for loan in result.loans],
    }
