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
from chromadrill.monitoring.diagnosis.decision_tree import TREE, judge
from chromadrill.monitoring.diagnosis.symptoms import Size, Store, Symptoms

MB = 1024 * 1024
WELL = Symptoms(
    url="http://127.0.0.1:1", running=True, connects_ms=1.0, connect_trouble="", heartbeat_ms=2.0,
    heartbeat_trouble="", searches_ms=(5.0,) * 10, together_ms=(9.0,) * 10, read_errors=(),
    sizes=(Size("t/d/c", 100_000, 384, 16, 100),), log={}, log_steps={}, memory_bytes=300 * MB,
    memory_limit_bytes=1024 * MB, oom_kills=0, disk_bytes=300 * MB, disk_limit_bytes=10_000 * MB,
    growth_bytes_a_day=1.0 * MB, files_gone=False, store=Store(300 * MB, 0, 500, 1000),
)  # fmt: skip
CAUSES = {
    "service status": {"running": False, "connects_ms": None, "heartbeat_ms": None},
    "network": {"connects_ms": None, "heartbeat_ms": None, "connect_trouble": "refused"},
    "out of memory": {"oom_kills": 1},
    "health log": {"log": {"database locked": 3}},
    "database file": {"files_gone": True},
    "answers": {"read_errors": ("count: 500",)},
    "volume use": {"disk_bytes": 9000 * MB},
    "growth": {"growth_bytes_a_day": 1000.0 * MB},
    "size against memory": {"memory_limit_bytes": 200 * MB},
    "index settings": {"sizes": (Size("t/d/c", 10, 384, 16, 2000),)},
    "concurrent load": {"together_ms": (900.0,) * 10},
    "slow searches": {"searches_ms": (2500.0,) * 10},
    "queue": {"store": Store(300 * MB, 0, 50_000, 1000)},
    "dimension efficiency": {"store": Store(3000 * MB, 0, 0, 1000)},
    "orphans": {"store": Store(400 * MB, 100 * MB, 0, 1000)},
}


def judged(**changes):
    verdicts = judge(replace(WELL, **changes), search_ms=2000, disk_percent=85)
    return {each.check: each.outcome for each in verdicts}


def test_nothing_is_found_where_nothing_is_wrong():
    assert set(judged().values()) == {"pass"}


@pytest.mark.parametrize("cause", TREE)
def test_each_cause_is_found_by_its_own_symptom_first(cause):
    found = [name for name, outcome in judged(**CAUSES[cause]).items() if outcome == "fail"]
    assert found[0] == cause


@pytest.mark.parametrize("cause", TREE)
def test_what_cannot_be_seen_is_not_ruled_out(cause):
    blind = judged(
        running=None, connects_ms=None, heartbeat_ms=None, searches_ms=(), together_ms=(),
        sizes=(), log=None, memory_bytes=None, memory_limit_bytes=None, oom_kills=None,
        disk_bytes=None, disk_limit_bytes=None, growth_bytes_a_day=None, files_gone=None, store=None,
    )  # fmt: skip
    assert blind[cause] != "pass"


def ran(target, monkeypatch, capsys):
    monkeypatch.setenv("DRILL_TARGETS__PROCESS__HOME", str(target.home))
    monkeypatch.setenv("DRILL_OWNER_PID", str(os.getpid()))
    code = invoke(["triage", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_healthy_server_has_no_cause(target, monkeypatch, capsys):
    code, said = ran(target, monkeypatch, capsys)
    assert (code, said["likely"]) == (0, None), said
    assert {"service status", "network", "answers", "database file"} <= set(said["ruled_out"])


@pytest.mark.slow
def test_killed_server_is_the_service(target, monkeypatch, capsys):
    target.kill()
    code, said = ran(target, monkeypatch, capsys)
    assert (code, said["likely"]) == (1, "service status")
    assert said["next_steps"][0].startswith("RB-1")


def test_deleted_directory_is_the_database_file(target, monkeypatch, capsys):
    shutil.rmtree(target.data)
    code, said = ran(target, monkeypatch, capsys)
    assert (code, said["likely"]) == (1, "database file")
    assert "service status" in said["ruled_out"]


@pytest.mark.slow
def test_index_that_is_gone_is_seen_in_the_answers(target, monkeypatch, capsys):
    target.stop()
    for each in target.data.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
    target.start()
    code, said = ran(target, monkeypatch, capsys)
    assert (code, said["likely"]) == (1, "answers"), said


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
    code, said = ran(target, monkeypatch, capsys)
    assert (code, said["likely"]) == (1, "answers"), said


@pytest.mark.slow
def test_server_that_came_up_empty_is_seen(target, monkeypatch, capsys):
    target.stop()
    shutil.rmtree(target.data)
    target.start()
    code, said = ran(target, monkeypatch, capsys)
    assert (code, said["likely"]) == (1, "answers"), said


def test_nothing_at_a_url_is_the_service_and_no_traceback(capsys):
    assert invoke(["triage", "--target", "http://127.0.0.1:9"]) == 1
    said = capsys.readouterr().out
    assert "most likely: service status" in said
    assert "RB-1" in said
