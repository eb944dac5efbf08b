"""RB-3's commands: arguments and settings -> `recovery.rebuild` -> a report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chromadrill.checks.objectives import percentile
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core import cli, settings
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import CollectionPrint, Scope
from chromadrill.core.progress import on_stderr
from chromadrill.core.protocols import Model
from chromadrill.core.settings import Embedding, Settings, SourceTable
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.recovery.rebuild import Rebuilt, Task, rebuild, settle
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.sources.rows import Source
from chromadrill.recovery.sources.stored_documents import stored_documents
from chromadrill.targets.guarded import require_may_import
from chromadrill.workload.data import minilm


def add_rebuild(parser: argparse.ArgumentParser) -> None:
    """The options that both commands share."""
    cli.add_server(parser)
    parser.add_argument("--collection-name", help="default: the collection of the source")
    parser.add_argument("--batch-size", type=int, help="documents embedded together")
    parser.add_argument("--fingerprint", type=Path, help="of the lost database: its vectors too")
    parser.add_argument("--drop-old", action="store_true", help="keep no copy from before")
    parser.add_argument("--drill-config", type=Path, metavar="FILE", help="another drill.toml")
    parser.add_argument(
        "--incident", metavar="URL", help="production too: for a person, by its url"
    )


def run(
    parser: argparse.ArgumentParser,
    asked: argparse.Namespace,
    *,
    source_name: str | None,
    fresh: bool = False,
    from_documents: bool = False,
    since: datetime | None = None,
) -> int:
    """Rebuild the collection that `asked` names; the exit code.

    What costs nothing fails first: settings, server, database, and then the model is loaded.
    """
    if asked.batch_size is not None and asked.batch_size < 1:
        parser.error("--batch-size: 1 or more")
    known = settings.load(
        asked.drill_config, command_line={"embedding.batch_size": asked.batch_size}
    )
    url = cli.url_of(parser, asked)
    require_may_import(known, url, asked.incident)
    table = known.source.named(source_name) if source_name else known.source
    scopes = cli.scopes_of(asked) or (Scope(),)
    if len(scopes) > 1:
        raise UsageError("--scope: a collection is rebuilt in one place.")
    task = Task(
        scope=scopes[0],
        name=asked.collection_name or table.collection,
        space=table.space,
        fresh=fresh,
        bounded=since is not None,
        drop_old=asked.drop_old,
        batch_size=known.embedding.batch_size,
    )
    lost = _lost(asked.fingerprint, task) if asked.fingerprint else None
    with (
        connect(url, deadline_s=LONG_S, incident=asked.incident) as chroma,
        _source(chroma, known, table, task, from_documents, since) as source,
    ):
        model = load_model(known.embedding)
        done = rebuild(chroma, source, model, task, lost=lost, progress=on_stderr)
    if done.discarded:
        cli.say(
            f"{task.staging} had wrong vectors and was removed: regenerate_embeddings.py makes new ones."
        )
    if done.staged:
        cli.say(
            f"{task.staging} was made and is not proven; what clients see of {task.key} was not changed."
            " Where only records are missing that were deleted on purpose, the same command without"
            " --fingerprint goes on with it."
        )
    _report(asked, task, done, model)
    return cli.EXIT[outcome_of(done.verdicts)]


def load_model(asked: Embedding) -> minilm.MiniLM:
    """The model of `[embedding]`. Raises Unavailable where it cannot be had."""
    return minilm.load(
        Path(asked.directory) if asked.directory else None,
        threads=asked.threads,
        batch_size=asked.batch_size,
        device=asked.device,
        offline=asked.offline,
    )


@contextmanager
def _source(
    chroma: Chroma,
    known: Settings,
    table: SourceTable,
    task: Task,
    from_documents: bool,
    since: datetime | None,
) -> Iterator[Source]:
    if from_documents:  # the collection is the source: it needs its name
        _settle(chroma, task)
        yield stored_documents(chroma, chroma.collections(task.scope), task.name)
        return
    if known.source.database_url is None:
        raise Unavailable(
            "DATABASE_URL is not set: there is no source to rebuild from.",
            next_step="export DATABASE_URL=postgresql://USER@HOST:5432/DATABASE",
        )
    with open_table(known.source.database_url.get_secret_value(), table, since=since) as opened:
        _settle(chroma, task)
        yield opened


def _settle(chroma: Chroma, task: Task) -> None:
    if settle(chroma, task):
        cli.say(f"{task.key}: the swap that an earlier run had left half done was undone.")


def _lost(path: Path, task: Task) -> CollectionPrint:
    found = fingerprint_file.load(path).collections
    if task.key not in found:
        raise UsageError(f"{path} knows no {task.key}. Known: {', '.join(sorted(found))}.")
    return found[task.key]


def moment(text: str) -> datetime:
    """`--since`: ISO 8601, UTC where it names no zone. Raises UsageError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since: '{text}' is no time; e.g. 2026-11-24T18:00:00Z.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _report(asked: argparse.Namespace, task: Task, done: Rebuilt, model: Model) -> None:
    fill_s = done.seconds.get("fill", 0.0)
    more: dict[str, Any] = {
        "changed": done.changed,
        "embedded": done.embedded,
        "copied": done.copied,
        "resumed": done.resumed,
        "seconds": {key: round(each, 2) for key, each in done.seconds.items()},
    }
    if done.embedded:
        more["documents_per_s"] = round(done.embedded / fill_s, 1)
    if done.single_ms:
        more["ms_per_document_p90"] = percentile(done.single_ms, 90)
    if asked.json:
        more["embedder"] = dict(model.facts())
        more["single_ms"] = list(done.single_ms)
    else:
        more["threads"] = model.facts().get("threads")
    if done.old:
        more["old"] = done.old
    collections = cli.collections_json({task.key: done.rows}, done.verdicts)
    cli.report(asked, done.verdicts, collections, **more)
