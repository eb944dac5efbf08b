"""A real PostgreSQL, a real Chroma; embeddings by a stand-in that counts: a model takes seconds."""

import os
from pathlib import Path

import psycopg
import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.name_swap import undo_half_swap
from chromadrill.recovery.rebuild import rebuild
from chromadrill.recovery.rebuild_task import RebuildTask
from chromadrill.recovery.sources.key_ranges import SharedInstant
from chromadrill.recovery.sources.postgres_embedded import embedded_postgresql
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.workers.plan import WorkerPlan
from chromadrill.recovery.workers.tasks import WorkerSetup
from chromadrill.targets.process.target import ProcessTarget
from tests.embedding.conftest import one_service, service
from tests.recovery.rebuild.hash_model import HashModel
from tests.recovery.rebuild.named_function import Command

__all__ = ["one_service", "service"]  # an embedding service, for the tests of this folder too


@pytest.fixture(scope="session")
def database():
    """The URL of a PostgreSQL of our own; skipped, by name, where there is none."""
    try:
        with embedded_postgresql() as url:
            yield url
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def chroma_home(tmp_path_factory):
    target = ProcessTarget(tmp_path_factory.mktemp("rebuild") / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


@pytest.fixture
def chroma(chroma_home):
    """Empty before each test."""
    with Chroma(chroma_home.url) as client:
        for info in client.collections(Scope()):
            client.delete_collection(Scope(), info.name)
        yield client


ROWS = [
    (f"r{n}", f"document {n} about {'abc'[n % 3] * (n % 9 + 1)}", {"n": n, "f": n / 2, "b": n % 2 == 0})
    for n in range(60)
]  # fmt: skip


class Table:
    """`manual_content` with 60 rows, and the collection made of it."""

    def __init__(self, url, connection, chroma):
        self.url, self.sql, self.chroma = url, connection.execute, chroma
        self.model, self.lines = HashModel(), []

    def rebuild(
        self,
        *,
        model=None,
        mapping=None,
        since=None,
        lost=None,
        lenders=(),
        load=None,
        workers=2,
        **task,
    ):
        """With the settings' defaults, a small batch and no progress. `load`: the workers' model."""
        whole = RebuildTask(Scope(), "docs", batch_size=8, bounded=since is not None, **task)
        table = mapping or SourceTable(batch=25)
        with open_table(self.url, table, since=since) as source:
            undo_half_swap(self.chroma, whole)
            plan = load and self.plan(source, table, load, workers)
            return rebuild(
                self.chroma,
                source,
                model or self.model,
                whole,
                lost=lost,
                lenders=lenders,
                workers=plan,
            )

    def plan(self, source, table, load, where):
        instant = None
        if source.has_ranges():
            instant = SharedInstant(self.url, table, source.export_snapshot())
        return WorkerPlan(where, WorkerSetup(load, instant), self.lines.append)

    def collection(self, name="docs"):
        return self.chroma.collection(Scope(), name)

    def records(self, name="docs"):
        raw = self.chroma.get(self.collection(name), include=("documents", "metadatas"))
        return {
            i: (d, m)
            for i, d, m in zip(raw["ids"], raw["documents"], raw["metadatas"], strict=True)
        }

    def names(self):
        return [info.name for info in self.chroma.collections(Scope())]


def assert_passed(result):
    messages = [verdict.message for verdict in result.verdicts]
    assert outcome_of(result.verdicts) is Outcome.PASS, messages


@pytest.fixture
def table(database, chroma):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop table if exists manual_content")
        connection.execute(
            "create table manual_content (id text, content text, metadata jsonb,"
            " updated_at timestamptz default '2026-01-01')"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into manual_content values (%s, %s, %s)",
                [(i, c, psycopg.types.json.Jsonb(m)) for i, c, m in ROWS],
            )
        yield Table(database, connection, chroma)


ROOT = Path(__file__).parents[3]


@pytest.fixture
def command(table, chroma_home, monkeypatch, capsys):
    for variable, value in {
        "CHROMA_URL": chroma_home.url,
        "DATABASE_URL": table.url,
        "DRILL_EMBEDDING__FUNCTION": "collection",
        "DRILL_EMBEDDING__RETRY_WAIT_S": "0.001",
    }.items():
        monkeypatch.setenv(variable, value)
    return Command(capsys)
