"""Triage on a real server: the cause is found, and what is not is ruled out."""

import json
import os
import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core.model import Scope
from chromadrill.monitoring.diagnosis import causes
from chromadrill.monitoring.diagnosis.decision_tree import TREE, judge
from chromadrill.monitoring.diagnosis.symptoms import CollectionSize, StoreUsage, Symptoms

MB = 1024 * 1024
HEALTHY = Symptoms(
    url="http://127.0.0.1:1", running=True, connects_ms=1.0, connect_error="", heartbeat_ms=2.0,
    heartbeat_error="", searches_ms=(5.0,) * 10, concurrent_ms=(9.0,) * 10, failures=(),
    sizes=(CollectionSize("t/d/c", 100_000, 384, 16, 100),), log={}, memory_bytes=300 * MB,
    memory_limit_bytes=1024 * MB, oom_kills=0, disk_bytes=300 * MB, disk_limit_bytes=10_000 * MB,
    growth_bytes_a_day=1.0 * MB, is_database_missing=False, store=StoreUsage(300 * MB, 0, 500, 1000),
    flusher=(True, "the last sync was 0.4 s ago"),
)  # fmt: skip
CAUSES = {
    "service status": {"running": False, "connects_ms": None, "heartbeat_ms": None},
    "network": {"connects_ms": None, "heartbeat_ms": None, "connect_error": "refused"},
    "out of memory": {"oom_kills": 1},
    "health log": {"log": {"database locked": 3}},
    "database file": {"is_database_missing": True},
    "answers": {"failures": ("count: 500",)},
    "volume use": {"disk_bytes": 9000 * MB},
    "growth": {"growth_bytes_a_day": 1000.0 * MB},
    "size against memory": {"memory_limit_bytes": 200 * MB},
    "index settings": {"sizes": (CollectionSize("t/d/c", 10, 384, 16, 2000),)},
    "concurrent load": {"concurrent_ms": (900.0,) * 10},
    "slow searches": {"searches_ms": (2500.0,) * 10},
    "queue": {"store": StoreUsage(300 * MB, 0, 50_000, 1000)},
    "flusher": {"flusher": (False, "the last sync was 90 s ago")},
    "dimension efficiency": {"store": StoreUsage(3000 * MB, 0, 0, 1000)},
    "orphans": {"store": StoreUsage(400 * MB, 100 * MB, 0, 1000)},
}


def outcomes(**changes):
    verdicts = judge(replace(HEALTHY, **changes), search_ms=2000, disk_percent=85)
    return {verdict.check: verdict.outcome for verdict in verdicts}


def test_nothing_is_found_where_nothing_is_wrong():
    assert set(outcomes().values()) == {"pass"}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_found_by_its_own_symptom_first(cause):
    causes = [name for name, outcome in outcomes(**CAUSES[cause]).items() if outcome == "fail"]
    assert causes[0] == cause


def test_every_question_of_the_tree_finds_a_cause_but_access_which_finds_that_nobody_can_look():
    assert set(TREE) == {*CAUSES, "access"}
    refused = outcomes(refusals=("GET /x: 401",), heartbeat_ms=None, searches_ms=())
    assert {refused[name] for name in ("access", "service status", "answers")} == {"unknown"}
    assert "fail" not in refused.values()


@pytest.mark.parametrize("cause", TREE)
def test_what_cannot_be_seen_is_not_ruled_out(cause):
    blind = outcomes(
        running=None, connects_ms=None, heartbeat_ms=None, searches_ms=(), concurrent_ms=(),
        sizes=(), log=None, memory_bytes=None, memory_limit_bytes=None, oom_kills=None,
        disk_bytes=None, disk_limit_bytes=None, growth_bytes_a_day=None,
        is_database_missing=None, store=None, flusher=None,
    )  # fmt: skip
    assert blind[cause] != "pass"


def run_triage(target, monkeypatch, capsys):
    monkeypatch.setenv("DRILL_TARGETS__PROCESS__HOME", str(target.home))
    monkeypatch.setenv("DRILL_OWNER_PID", str(os.getpid()))
    code = invoke(["triage", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_healthy_server_has_no_cause(target, monkeypatch, capsys):
    monkeypatch.setattr(causes, "SLOW_NETWORK_MS", 10_000.0)  # not of a busy machine
    code, answer = run_triage(target, monkeypatch, capsys)
    assert (code, answer["likely"]) == (0, None), answer
    assert {"service status", "network", "answers", "database file"} <= set(answer["ruled_out"])


@pytest.mark.slow
def test_killed_server_is_the_service(target, monkeypatch, capsys):
    target.kill()
    code, answer = run_triage(target, monkeypatch, capsys)
    assert (code, answer["likely"]) == (1, "service status")
    assert answer["next_steps"][0].startswith("RB-1")


def test_deleted_directory_is_the_database_file(target, monkeypatch, capsys):
    shutil.rmtree(target.data)
    code, answer = run_triage(target, monkeypatch, capsys)
    assert (code, answer["likely"]) == (1, "database file")
    assert "service status" in answer["ruled_out"]


@pytest.mark.slow
def test_index_that_is_gone_is_seen_in_the_answers(target, monkeypatch, capsys):
    target.stop()
    for path in target.data.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    target.start()
    code, answer = run_triage(target, monkeypatch, capsys)
    assert (code, answer["likely"]) == (1, "answers"), answer


@pytest.mark.slow
def test_smaller_collection_whose_index_answers_wrong_is_seen(target, monkeypatch, capsys):
    """Another index of the same size in its place: calls succeed, and name other records."""
    vectors = np.random.default_rng(5).normal(size=(1200, 16)).astype(np.float32)
    with Chroma(target.url) as chroma:
        for name, rows in (("one", vectors), ("two", vectors[::-1] + 9)):
            info = chroma.create_collection(Scope(), name)
            for at in range(0, 1200, 400):
                ids = [f"{name}{n}" for n in range(at, at + 400)]
                chroma.upsert(info, ids=ids, vectors=rows[at : at + 400])
    target.stop()
    with sqlite3.connect(target.data / "chroma.sqlite3") as store:
        rows = dict(store.execute(
            "SELECT c.name, s.id FROM segments s JOIN collections c ON s.collection = c.id"
            " WHERE s.scope = 'VECTOR'").fetchall())  # fmt: skip
    one, two = target.data / rows["one"], target.data / rows["two"]
    shutil.rmtree(one)
    shutil.copytree(two, one)
    target.start()
    code, answer = run_triage(target, monkeypatch, capsys)
    assert (code, answer["likely"]) == (1, "answers"), answer


@pytest.mark.slow
def test_server_that_came_up_empty_is_seen(target, monkeypatch, capsys):
    target.stop()
    shutil.rmtree(target.data)
    target.start()
    code, answer = run_triage(target, monkeypatch, capsys)
    assert (code, answer["likely"]) == (1, "answers"), answer


def test_nothing_at_a_url_is_the_service_and_no_traceback(capsys):
    assert invoke(["triage", "--target", "http://127.0.0.1:9"]) == 1
    printed = capsys.readouterr().out
    assert "most likely: service status" in printed
    assert "RB-1" in printed
