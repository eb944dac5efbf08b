"""The embedding step on a Dask cluster: the same vectors, no secret sent, and what is lost is said."""

import os
from functools import partial

import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Outcome
from chromadrill.recovery.sources.rows import Row
from chromadrill.recovery.workers import cluster as cluster_pool
from chromadrill.recovery.workers.plan import WorkerPlan
from chromadrill.recovery.workers.tasks import WorkerSetup
from tests.recovery.rebuild.conftest import ROWS
from tests.recovery.rebuild.dask_cluster import dask_cluster
from tests.recovery.rebuild.hash_model import HashModel
from tests.recovery.rebuild.worker_models import LoggedModel, Mortal, Odd, odd_one, texts_of

pytestmark = pytest.mark.slow
DOCUMENTS = [Row(f"r{n}", f"document {n}") for n in range(80)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers that know no database."""
    distributed = pytest.importorskip("distributed")
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    with dask_cluster(tmp_path_factory.mktemp("dask"), environment) as started:
        with distributed.Client(started.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield started


def embedded(address, load, lines, meanwhile=lambda: None):
    vectors = {}
    plan = WorkerPlan(address, WorkerSetup(load), lines.append)
    with plan.step(HashModel(), 0.9999) as step:
        for at in range(0, len(DOCUMENTS), 8):
            for pair in step.put(DOCUMENTS[at : at + 8], None):
                vectors |= {row.id: vector for row, vector in zip(*pair, strict=True)}
                meanwhile()
        for pair in step.rest():
            vectors |= {row.id: vector for row, vector in zip(*pair, strict=True)}
    return vectors, step.shares


def assert_all(vectors):
    model = HashModel()
    assert set(vectors) == {row.id for row in DOCUMENTS}
    for row in DOCUMENTS:
        assert vectors[row.id] == pytest.approx(model.vector(row.content))


def test_cluster_hands_back_the_vectors_of_every_row(cluster, tmp_path):
    lines = []
    vectors, shares = embedded(cluster.address, partial(LoggedModel, tmp_path), lines)
    assert_all(vectors)
    assert sum(share.documents for share in shares.values()) == len(DOCUMENTS)
    assert all(worker.startswith("tcp://127.0.0.1:") for worker in shares)


def test_odd_worker_of_a_cluster_is_named_and_the_other_does_its_share(cluster, tmp_path):
    lines = []
    vectors, shares = embedded(cluster.address, partial(odd_one, tmp_path, "same width"), lines)
    assert_all(vectors)
    (refused,) = (worker for worker, share in shares.items() if share.refused)
    assert shares[refused].documents == 0
    (line,) = (line for line in lines if "is not asked any more" in line)
    assert line.startswith(refused)
    assert "cosine" in line


def test_when_all_workers_of_a_cluster_are_refused_they_are_named(cluster, tmp_path):
    with pytest.raises(Unavailable, match=r"No worker is left of 2: tcp://.*its vector"):
        embedded(cluster.address, partial(Odd, tmp_path, "nan"), [])


def test_worker_of_a_cluster_that_is_killed_costs_one_batch(cluster, tmp_path):
    cluster.start_worker()
    vectors, _ = embedded(cluster.address, partial(Mortal, tmp_path, 1), [])
    assert_all(vectors)
    assert sum(process.poll() is not None for process in cluster.workers) == 1


def test_documents_are_sent_to_workers_that_know_no_database(cluster, table, tmp_path):
    table.sql("alter table manual_content add primary key (id)")
    result = table.rebuild(load=partial(LoggedModel, tmp_path), workers=cluster.address)
    assert outcome_of(result.verdicts) is Outcome.PASS
    assert table.records() == {i: (c, m) for i, c, m in ROWS}
    assert any("DATABASE_URL is not set where it runs" in line for line in table.lines)
    assert sum(len(log) for log in texts_of(tmp_path)) == len(ROWS) - result.bill.measured


def test_workers_with_a_database_of_their_own_see_the_instant_of_the_rebuild(table, tmp_path):
    table.sql("alter table manual_content add primary key (id)")
    with dask_cluster(tmp_path, {**os.environ, "DATABASE_URL": table.url}, count=1) as own:
        result = table.rebuild(load=partial(LoggedModel, tmp_path), workers=own.address)
        assert outcome_of(result.verdicts) is Outcome.PASS
        assert table.records() == {i: (c, m) for i, c, m in ROWS}
        assert not any("cannot read" in line for line in table.lines)


def test_cluster_without_workers_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_pool, "ALONE_S", 2.0)
    with (
        dask_cluster(tmp_path, dict(os.environ), count=0) as empty,
        pytest.raises(Unavailable, match="has had no worker for 2 s"),
    ):
        embedded(empty.address, HashModel, [])


def test_scheduler_that_ends_in_the_midst_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_pool, "ALONE_S", 2.0)
    with (
        dask_cluster(tmp_path, dict(os.environ), count=1) as cluster,
        pytest.raises(Unavailable, match="does not answer any more") as error,
    ):
        embedded(cluster.address, HashModel, [], meanwhile=cluster.scheduler.kill)
    assert "same command goes on" in error.value.next_step


def test_scheduler_that_is_not_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(cluster_pool, "CONNECT_S", 1)
    with pytest.raises(Unavailable, match=r"Dask scheduler tcp://127\.0\.0\.1:9 does not answer"):
        embedded("tcp://127.0.0.1:9", HashModel, [])
