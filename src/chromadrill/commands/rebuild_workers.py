"""`--workers` of `rebuild` and `regenerate`: where they run, what they are given, what each has done."""

from __future__ import annotations

from functools import partial

from chromadrill.core import cli
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.core.settings import Embedding, Settings, SourceTable
from chromadrill.embedding import embedders
from chromadrill.recovery.rebuild_task import RebuildResult
from chromadrill.recovery.sources.key_ranges import SharedInstant
from chromadrill.recovery.sources.postgresql import PostgresTable
from chromadrill.recovery.sources.rows import RowSource
from chromadrill.recovery.workers.plan import WorkerPlan, workers_named
from chromadrill.recovery.workers.tasks import WorkerSetup


def worker_plan(
    where: str | None,
    known: Settings,
    table: SourceTable,
    source: RowSource,
    collection: CollectionInfo | None,
) -> WorkerPlan | None:
    """None without `--workers`. Each worker embeds a batch at a time, whatever `[embedding]` says.

    `collection`: names the embedding function, where `[embedding]` leaves it to it.
    """
    if where is None:
        return None
    place = workers_named(where)
    load = partial(embedders.load, _of_one_worker(known.embedding, place), collection)
    instant = None
    url = known.source.database_url
    if url and isinstance(source, PostgresTable) and source.has_ranges():
        instant = SharedInstant(url.get_secret_value(), table, source.export_snapshot())
    return WorkerPlan(place, WorkerSetup(load, instant), cli.say)


def _of_one_worker(embedding: Embedding, place: int | str) -> Embedding:
    """The settings of each of the workers: a service's limits are for all of them together."""
    share: dict[str, float] = {"workers": 1}
    for name in ("requests_per_minute", "documents_per_minute"):
        limit = getattr(embedding, name)
        if limit is not None and isinstance(place, int):
            share[name] = limit / place
    return embedding.model_copy(update=share)


def shares_json(result: RebuildResult) -> JSON:
    """What each worker did, for `--json`."""
    return {
        worker: {
            "documents": share.documents,
            "seconds": round(share.seconds, 2),
            **({"refused": share.refused} if share.refused else {}),
        }
        for worker, share in sorted(result.workers.items())
    }


def say_shares(result: RebuildResult) -> None:
    """The same in lines."""
    for worker, share in sorted(result.workers.items()):
        rate = share.documents / share.seconds if share.seconds else 0.0
        cli.say(f"{worker}: {share.documents:,} documents, {rate:.1f} a second.")
