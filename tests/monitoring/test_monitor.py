"""A watch of a real server: red where the heartbeat stays green."""

import shutil
import threading

import numpy as np
import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Outcome, Scope, Usage
from chromadrill.core.settings import Monitoring
from chromadrill.monitoring.alerts import CLEARED, FIRED
from chromadrill.monitoring.factory import watch_of
from chromadrill.monitoring.monitor import Watch
from chromadrill.monitoring.resource_collector import Metrics
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.verdicts import verdicts
from chromadrill.workload.queries.sampled_records import ask_collection, sample_collections


def fires(watch, name, looks=5):
    """The names that fired within so many looks."""
    for _ in range(looks):
        watch.look()
    fired = {event.rule.name for event in watch.alerts.events if event.kind == FIRED}
    assert name in fired, watch.alerts.states
    return fired


def heartbeat_is_green(target):
    with Chroma(target.url, timeout_s=2) as chroma:
        assert chroma.heartbeat()
        assert chroma.healthcheck()


def restarted(target, damage):
    target.stop()
    damage(target.data)
    target.start()


def test_healthy_server_fires_nothing_and_keeps_one_record_of_the_monitor(target, settings):
    watch = watch_of(target, settings)
    for _ in range(4):
        watch.look()
    watch_of(target, settings).look()  # a monitor that is started again
    assert [event.rule.name for event in watch.alerts.events] == ["backup overdue"]
    outcomes = {each.check: each.outcome for each in verdicts(watch.alerts)}
    # none was ever made
    assert outcomes.pop("backup overdue") is Outcome.FAIL
    assert outcomes.pop("backup failed") is Outcome.UNKNOWN
    assert set(outcomes.values()) == {Outcome.PASS}, outcomes
    with Chroma(target.url) as chroma:
        assert [info.name for info in chroma.collections(Scope())] == ["docs"]
        ours = Scope("chromadrill-monitor", "canary")
        assert [chroma.count(info) for info in chroma.collections(ours)] == [1]


@pytest.mark.slow
def test_many_looks_leave_no_directories_behind(target, settings):
    watch = watch_of(target, settings)
    watch.look()
    before = sorted(each.name for each in target.data.iterdir())
    for _ in range(10):
        watch.look()
    assert sorted(each.name for each in target.data.iterdir()) == before


def test_deleted_data_directory_under_a_running_server_alerts(target, settings):
    watch = watch_of(target, settings)
    watch.look()
    shutil.rmtree(target.data)
    fired = fires(watch, "writes refused")
    heartbeat_is_green(target)
    assert "service down" not in fired


def test_monitor_that_starts_after_the_data_directory_was_deleted_alerts_too(target, settings):
    shutil.rmtree(target.data)
    fires(watch_of(target, settings), "writes refused")
    heartbeat_is_green(target)


@pytest.mark.slow
def test_server_that_came_up_empty_alerts(target, settings):
    watch = watch_of(target, settings)
    watch.look()
    restarted(target, lambda data: [shutil.rmtree(data), data.mkdir()])
    fires(watch, "records missing")
    assert "records missing" in fires(watch_of(target, settings), "records missing")
    heartbeat_is_green(target)


def delete_index(data):
    for each in data.iterdir():
        if each.is_dir():
            shutil.rmtree(each)


@pytest.mark.slow
def test_index_that_is_gone_alerts(target, settings):
    watch = watch_of(target, settings)
    watch.look()
    restarted(target, delete_index)
    fires(watch, "wrong answers")
    heartbeat_is_green(target)
    with Chroma(target.url) as chroma:
        assert chroma.count(chroma.collection(Scope(), "docs")) == 1500


@pytest.mark.slow
def test_index_that_was_gone_before_the_monitor_started_alerts(target, settings):
    restarted(target, delete_index)
    fires(watch_of(target, settings), "wrong answers")


@pytest.mark.slow
def test_dropped_collection_alerts(target, settings):
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "other")
        chroma.upsert(info, ids=["a"], vectors=np.ones((1, 2), np.float32))
        watch = watch_of(target, settings)
        watch.look()
        chroma.delete_collection(Scope(), "docs")
    fires(watch, "wrong answers")


def test_collection_by_inner_product_with_long_vectors_in_it_is_answered_right(target, settings):
    vectors = np.random.default_rng(2).uniform(0.1, 1, (400, 4)).astype(np.float32)
    vectors[5:25] *= 50  # nearer to every question than its own record
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "inner", hnsw={"space": "ip"})
        chroma.upsert(info, ids=[f"i{n}" for n in range(400)], vectors=vectors)
        (_, inner) = sample_collections(chroma, [Scope()]).samples
        # such an index misses others once longer ones have come
        chroma.upsert(info, ids=[f"n{n}" for n in range(20)], vectors=vectors[5:25] * 50)
    watch = watch_of(target, settings)
    for _ in range(4):
        watch.look()
    assert {event.rule.name for event in watch.alerts.events} == {"backup overdue"}
    assert watch.alerts.states[watch.rules[1]].value == 1
    with Chroma(target.url) as chroma:
        assert inner[0].ask(chroma, info)
        assert ask_collection(chroma, inner).wrong == ""


@pytest.mark.slow
def test_dropped_collection_is_no_question_any_more_after_an_hour(target, settings, monkeypatch):
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "other")
        chroma.upsert(info, ids=["a"], vectors=np.ones((1, 2), np.float32))
        watch = watch_of(target, settings)
        watch.look()
        chroma.delete_collection(Scope(), "docs")
    fires(watch, "wrong answers")
    monkeypatch.setattr("chromadrill.monitoring.query_rotation.GONE_S", 0.0)
    for _ in range(4):
        watch.look()
    assert watch.alerts.states[watch.rules[1]].value == 1


def test_changed_and_removed_records_are_no_alarm(target, settings):
    watch = watch_of(target, settings)
    watch.look()
    with Chroma(target.url) as chroma:
        info = chroma.collection(Scope(), "docs")
        chroma.delete(info, ["r0"])
        chroma.upsert(info, ids=["r750"], vectors=np.full((1, 16), 9, np.float32))
    for _ in range(4):
        watch.look()
    assert {event.rule.name for event in watch.alerts.events} == {"backup overdue"}


@pytest.mark.slow
def test_killed_server_alerts_and_clears_after_its_restart(target, settings):
    target.snapshot()
    watch = watch_of(target, settings)
    watch.look()
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    target.kill()
    wait_until(lambda: watch.alerts.firing, within_s=20, name="the alert")
    target.start()
    wait_until(lambda: not watch.alerts.firing, within_s=20, name="the all-clear")
    watch.stop()
    thread.join(10)
    pages = [(e.kind, e.rule.name) for e in watch.alerts.events if e.pages]
    assert pages == [(FIRED, "service down"), (CLEARED, "service down")]


def test_looker_that_breaks_is_unknown_and_not_healthy(settings):
    class Broken:
        signals = ("health",)

        def look(self):
            raise DrillError("no way to look")

    now = [0.0]

    def wait(seconds):
        now[0] += seconds
        return False

    watch = Watch([Broken()], rules(settings.monitoring), 1.0, clock=lambda: now[0], wait=wait)
    watch.run(60)
    assert watch.looks == 61
    found = {each.check: each for each in verdicts(watch.alerts)}
    assert found["service down"].outcome is Outcome.UNKNOWN
    assert found["disk"].outcome is Outcome.NOT_RUN


def test_ten_minutes_of_slow_searches_take_no_time_with_an_injected_clock(settings):
    now = [0.0]

    class Slow:
        signals = ("search",)

        def look(self):
            return [Sample(now[0], "search", 2500.0)]

    def wait(seconds):
        now[0] += seconds
        return False

    watch = Watch([Slow()], rules(Monitoring()), 30.0, clock=lambda: now[0], wait=wait)
    watch.run(600)
    assert [(e.rule.name, e.at) for e in watch.alerts.events] == [("high latency", 300.0)]


def test_platform_that_counts_no_kills_leaves_its_rule_unwatched_and_the_others_seen(settings):
    """As Railway does."""
    at = [0.0]

    class Counting:
        def metrics(self):
            return Usage(1, 10, 1, 10, restarts=None, oom_kills=None)

    watch = Watch([Metrics(Counting())], rules(Monitoring()), 30.0, clock=lambda: at[0])
    for at[0] in range(0, 1200, 30):
        watch.look()
    assert watch.alerts.events == []
    said = {each.check: each.outcome for each in verdicts(watch.alerts)}
    assert (said["disk"], said["oom restart"]) == (Outcome.PASS, Outcome.NOT_RUN)
    assert outcome_of(verdicts(watch.alerts)) is Outcome.PASS


@pytest.mark.parametrize("error", [CallFailed("GET /x", 500, "boom"), DrillError("x")])
def test_metrics_that_cannot_be_had_are_samples_without_value(error):
    class Broken:
        def metrics(self):
            raise error

    assert {each.value for each in Metrics(Broken()).look()} == {None}
