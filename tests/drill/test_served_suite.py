"""After the restart a sample of a large collection is read again, and what the restart did is seen."""

import os
import sqlite3
from contextlib import closing

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest, restart_sample
from chromadrill.chroma.fingerprint.restart_sample import RestartSample
from chromadrill.core.model import Outcome, Scope
from chromadrill.drill.served_suite import run_served_suite
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import fill, whole

RECORDS, LOWEST, NEWEST = 60, 10, 5


@pytest.fixture
def target(tmp_path, monkeypatch):
    """A stopped server with 60 records, where more than ten are many."""
    monkeypatch.setattr(restart_sample, "SELF_RECALL_MAX", LOWEST)
    monkeypatch.setattr(restart_sample, "NEWEST", NEWEST)
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        fill(chroma, records=RECORDS)
        fill(chroma, "few", records=LOWEST)
    target.stop()
    yield target
    target.remove()


def suite(target, before):
    verdicts = run_served_suite(target, before.scopes, before, None, ())
    return {verdict.check: verdict for verdict in verdicts}


def after_the_first_stop(target, monkeypatch, statement):
    """Change the files between the two starts of the suite."""
    stop = target.stop

    def stop_and_change():
        stop()
        with target.volume() as data, closing(sqlite3.connect(data / "chroma.sqlite3")) as db:
            db.execute(statement)
            db.commit()

    monkeypatch.setattr(target, "stop", stop_and_change)


@pytest.mark.slow
def test_a_sample_and_the_newest_are_read_again_and_small_collections_whole(target):
    verdicts = suite(target, at_rest.fingerprint(target.data))
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.PASS, Outcome.NOT_RUN}
    assert verdicts["records (served)"].actual == RECORDS + LOWEST
    again = verdicts["records (restarted)"]
    assert LOWEST + LOWEST < again.actual <= LOWEST + LOWEST + NEWEST
    assert again.limit == RECORDS + LOWEST
    for check in ("distances", "recall", "filters", "text search"):
        served, restarted = (verdicts[f"{check} ({when})"] for when in ("served", "restarted"))
        assert served.actual == restarted.actual or check == "recall", check


OF_THE_NEWEST = "id = (SELECT max(id) FROM embeddings WHERE embedding_id = 'r59')"
CHANGES = {
    "the newest record lost its text": (
        f"UPDATE embedding_metadata SET string_value = 'x' WHERE {OF_THE_NEWEST}"
        " AND key = 'chroma:document'",
        "records",
    ),
    "any record is gone": (
        "DELETE FROM embeddings WHERE embedding_id = 'r30'",
        "counts",
    ),
    "a number that no sample holds was changed": (
        "UPDATE embedding_metadata SET int_value = -1 WHERE key = 'n' AND int_value BETWEEN 30 AND 50",
        "filters",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_what_the_restart_changed_is_a_failure_after_it(target, monkeypatch, change):
    statement, check = CHANGES[change]
    before = at_rest.fingerprint(target.data)
    after_the_first_stop(target, monkeypatch, statement)
    verdicts = suite(target, before)
    failed = {name for name, verdict in verdicts.items() if verdict.outcome is Outcome.FAIL}
    assert f"{check} (restarted)" in failed
    assert all(name.endswith("(restarted)") for name in failed)


def test_the_sample_of_a_fingerprint_has_its_records_and_all_its_counts(target):
    before = at_rest.fingerprint(target.data)
    key = f"{Scope()}/docs"
    cut = RestartSample(before, {key: ["r1", "r7", "no such id"]}).of(before)
    assert whole(cut.collections[key].records)["id"].to_pylist() == ["r1", "r7"]
    assert cut.records == before.records
    assert len(cut.collections[f"{Scope()}/few"].records) == LOWEST
