"""A collection against its source, no vector embedded: seconds for 100,000 rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import orjson
import psycopg

from benchmarks.fingerprints import Bench, Ratio
from chromadrill.checks.suite import outcome_of
from chromadrill.core.model import Outcome
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.reconcile.run import reconcile
from chromadrill.recovery.reconcile.task import ReconcileTask
from chromadrill.recovery.reconcile.vector_memory import VectorMemory
from chromadrill.recovery.sources.postgres_embedded import embedded_postgresql
from chromadrill.recovery.sources.postgresql import open_table


def seconds(bench: Bench) -> Ratio:
    """Clock seconds of both readings and the comparison, as of 100,000 rows."""
    task = ReconcileTask(bench.info.scope, bench.info.name, settle_s=0)
    with _source(bench) as url:
        started, used = time.perf_counter(), time.process_time()
        result = reconcile(
            bench.chroma,
            partial(open_table, url, SourceTable()),
            task,
            load_model=None,
            open_memory=lambda model: VectorMemory(None, model.name),
        )
        took, used = time.perf_counter() - started, time.process_time() - used
    assert result.rows == result.records == bench.records
    assert outcome_of(result.verdicts) is Outcome.PASS, result.verdicts
    return took * 100_000 / bench.records, {
        "rows": result.rows,
        "processor_s": round(used, 2),
        **{phase: round(phase_s, 2) for phase, phase_s in result.seconds.items()},
    }


@contextmanager
def _source(bench: Bench) -> Iterator[str]:
    """A table with what the collection holds."""
    with embedded_postgresql() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "create table manual_content (id text primary key, content text, metadata jsonb,"
            " updated_at timestamptz)"
        )
        with (
            connection.cursor() as cursor,
            cursor.copy("copy manual_content (id, content, metadata) from stdin") as copy,
        ):
            for page in bench.chroma.pages(bench.info):
                for row in zip(page.ids, page.documents, page.metadatas, strict=True):
                    copy.write_row((*row[:2], orjson.dumps(row[2]).decode()))
        yield url
