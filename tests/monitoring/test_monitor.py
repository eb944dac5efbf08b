"""A monitor of a real server: red where the heartbeat stays green."""

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
from chromadrill.monitoring.factory import monitor_of
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.resource_collector import MetricsCollector
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.verdicts import verdicts
from chromadrill.workload.queries.sampled_records import ask_collection, sample_collections
from tests.monitoring.fake_clock import FakeClock


def fires(monitor, name, looks=5):
    """The names that fired within so many looks."""
    for _ in range(looks):
        monitor.look()
    fired = {event.rule.name for event in monitor.alerts.events if event.kind == FIRED}
    assert name in fired, monitor.alerts.states
    return fired


def heartbeat_is_green(target):
    with Chroma(target.url, timeout_s=2) as chroma:
        assert chroma.heartbeat()
        assert chroma.healthcheck()


def damage_stopped(target, damage):
    target.stop()
    damage(target.data)
    target.start()


def test_healthy_server_fires_nothing_and_keeps_one_record_of_the_monitor(target, settings):
    monitor = monitor_of(target, settings)
    for _ in range(4):
        monitor.look()
    monitor_of(target, settings).look()  # a monitor that is started again
    assert [event.rule.name for event in monitor.alerts.events] == ["backup overdue"]
    outcomes = {verdict.check: verdict.outcome for verdict in verdicts(monitor.alerts)}
    # none was ever made
    assert outcomes.pop("backup overdue") is Outcome.FAIL
    assert outcomes.pop("backup failed") is Outcome.UNKNOWN
    assert outcomes.pop("proof") is Outcome.NOT_RUN  # no [backups.NAME] is of this target
    assert outcomes.pop("embedding drift") is Outcome.NOT_RUN  # no collection is in the settings
    assert outcomes.pop("flusher") is Outcome.NOT_RUN  # no heartbeat is in the settings
    assert set(outcomes.values()) == {Outcome.PASS}, outcomes
    with Chroma(target.url) as chroma:
        assert [info.name for info in chroma.collections(Scope())] == ["docs"]
        ours = Scope("chromadrill-monitor", "canary")
        assert [chroma.count(info) for info in chroma.collections(ours)] == [1]


@pytest.mark.slow
def test_many_looks_leave_no_directories_behind(target, settings):
    monitor = monitor_of(target, settings)
    monitor.look()
    before = sorted(path.name for path in target.data.iterdir())
    for _ in range(10):
        monitor.look()
    assert sorted(path.name for path in target.data.iterdir()) == before


def test_deleted_data_directory_under_a_running_server_alerts(target, settings):
    monitor = monitor_of(target, settings)
    monitor.look()
    shutil.rmtree(target.data)
    fired = fires(monitor, "writes refused")
    heartbeat_is_green(target)
    assert "service down" not in fired


def test_monitor_that_starts_after_the_data_directory_was_deleted_alerts_too(target, settings):
    shutil.rmtree(target.data)
    fires(monitor_of(target, settings), "writes refused")
    heartbeat_is_green(target)


@pytest.mark.slow
def test_server_that_came_up_empty_alerts(target, settings):
    monitor = monitor_of(target, settings)
    monitor.look()
    damage_stopped(target, lambda data: [shutil.rmtree(data), data.mkdir()])
    fires(monitor, "records missing")
    assert "records missing" in fires(monitor_of(target, settings), "records missing")
    heartbeat_is_green(target)


def delete_index(data):
    for path in data.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


@pytest.mark.slow
def test_index_that_is_gone_alerts(target, settings):
    monitor = monitor_of(target, settings)
    monitor.look()
    damage_stopped(target, delete_index)
    fires(monitor, "wrong answers")
    heartbeat_is_green(target)
    with Chroma(target.url) as chroma:
        assert chroma.count(chroma.collection(Scope(), "docs")) == 1500


@pytest.mark.slow
def test_index_that_was_gone_before_the_monitor_started_alerts(target, settings):
    damage_stopped(target, delete_index)
    fires(monitor_of(target, settings), "wrong answers")


@pytest.mark.slow
def test_dropped_collection_alerts(target, settings):
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "other")
        chroma.upsert(info, ids=["a"], vectors=np.ones((1, 2), np.float32))
        monitor = monitor_of(target, settings)
        monitor.look()
        chroma.delete_collection(Scope(), "docs")
    fires(monitor, "wrong answers")


@pytest.mark.slow
def test_collection_by_inner_product_with_long_vectors_in_it_is_answered_right(target, settings):
    vectors = np.random.default_rng(2).uniform(0.1, 1, (400, 4)).astype(np.float32)
    vectors[5:25] *= 50  # nearer to every question than its own record
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "inner", hnsw={"space": "ip"})
        chroma.upsert(info, ids=[f"i{n}" for n in range(400)], vectors=vectors)
        (_, inner) = sample_collections(chroma, [Scope()]).samples
        # such an index misses others once longer ones have come
        chroma.upsert(info, ids=[f"n{n}" for n in range(20)], vectors=vectors[5:25] * 50)
    monitor = monitor_of(target, settings)
    for _ in range(4):
        monitor.look()
    assert {event.rule.name for event in monitor.alerts.events} == {"backup overdue"}
    assert monitor.alerts.states[monitor.rules[1]].value == 1
    with Chroma(target.url) as chroma:
        assert inner[0].ask(chroma, info)
        assert ask_collection(chroma, inner).wrong == ""


@pytest.mark.slow
def test_dropped_collection_is_no_question_any_more_after_an_hour(target, settings, monkeypatch):
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "other")
        chroma.upsert(info, ids=["a"], vectors=np.ones((1, 2), np.float32))
        monitor = monitor_of(target, settings)
        monitor.look()
        chroma.delete_collection(Scope(), "docs")
    fires(monitor, "wrong answers")
    monkeypatch.setattr("chromadrill.monitoring.query_rotation.GONE_S", 0.0)
    for _ in range(4):
        monitor.look()
    assert monitor.alerts.states[monitor.rules[1]].value == 1


def test_changed_and_removed_records_are_no_alarm(target, settings):
    monitor = monitor_of(target, settings)
    monitor.look()
    with Chroma(target.url) as chroma:
        info = chroma.collection(Scope(), "docs")
        chroma.delete(info, ["r0"])
        chroma.upsert(info, ids=["r750"], vectors=np.full((1, 16), 9, np.float32))
    for _ in range(4):
        monitor.look()
    assert {event.rule.name for event in monitor.alerts.events} == {"backup overdue"}


@pytest.mark.slow
def test_killed_server_alerts_and_clears_after_its_restart(target, settings):
    target.snapshot()
    monitor = monitor_of(target, settings)
    monitor.look()
    thread = threading.Thread(target=monitor.run, daemon=True)
    thread.start()
    target.kill()
    wait_until(lambda: monitor.alerts.firing, within_s=20, name="the alert")
    target.start()
    wait_until(lambda: not monitor.alerts.firing, within_s=20, name="the all-clear")
    monitor.stop()
    thread.join(10)
    pages = [(e.kind, e.rule.name) for e in monitor.alerts.events if e.pages]
    assert pages == [(FIRED, "service down"), (CLEARED, "service down")]


def test_collector_that_breaks_is_unknown_and_not_healthy(settings):
    class Broken:
        signals = ("health",)

        def collect(self, clock):
            raise DrillError("no way to look")

    clock = FakeClock()
    monitor = Monitor([Broken()], rules(settings.monitoring), 1.0, clock=clock, wait=clock.wait)
    monitor.run(60)
    assert monitor.looks == 61
    outcomes = {verdict.check: verdict.outcome for verdict in verdicts(monitor.alerts)}
    assert outcomes["service down"] is Outcome.UNKNOWN
    assert outcomes["disk"] is Outcome.NOT_RUN


def test_ten_minutes_of_slow_searches_take_no_time_with_an_injected_clock(settings):
    class Slow:
        signals = ("search",)

        def collect(self, clock):
            return [Sample(clock(), "search", 2500.0)]

    clock = FakeClock()
    monitor = Monitor([Slow()], rules(Monitoring()), 30.0, clock=clock, wait=clock.wait)
    monitor.run(600)
    assert [(e.rule.name, e.at) for e in monitor.alerts.events] == [("high latency", 300.0)]


def test_platform_that_counts_no_kills_leaves_its_rule_unwatched_and_the_others_seen(settings):
    """As Railway does."""

    class NoCounts:
        def metrics(self):
            return Usage(1, 10, 1, 10, restarts=None, oom_kills=None)

    clock, collector = FakeClock(), MetricsCollector(NoCounts())
    monitor = Monitor([collector], rules(Monitoring()), 30.0, clock=clock, wait=clock.wait)
    monitor.run(1200)
    assert monitor.alerts.events == []
    outcomes = {verdict.check: verdict.outcome for verdict in verdicts(monitor.alerts)}
    assert (outcomes["disk"], outcomes["oom restart"]) == (Outcome.PASS, Outcome.NOT_RUN)
    assert outcome_of(verdicts(monitor.alerts)) is Outcome.PASS


@pytest.mark.slow
@pytest.mark.parametrize("booted_s_ago", [1.0, 1e9])
def test_time_since_the_machine_booted_makes_no_rule_lost(target, settings, booted_s_ago):
    """Every sample carries the monitor's own clock, whatever the machine's clock says."""
    clock = FakeClock(at=booted_s_ago)
    target.snapshot()
    collectors = monitor_of(target, settings).collectors
    monitor = Monitor(collectors, rules(Monitoring()), 30.0, clock=clock, wait=clock.wait)
    monitor.run(90)
    assert monitor.alerts.events == []
    began, end = monitor.began, clock.at
    assert all(began <= state.last_at <= end for state in monitor.alerts.states.values())


@pytest.mark.parametrize("error", [CallFailed("GET /x", 500, "boom"), DrillError("x")])
def test_metrics_that_cannot_be_had_are_samples_without_value(error):
    class Broken:
        def metrics(self):
            raise error

    samples = MetricsCollector(Broken()).collect(FakeClock())
    assert {sample.value for sample in samples} == {None}
