"""A watch of a real server: red where the heartbeat stays green."""

import shutil
import threading

import numpy as np
import pytest

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.clock import wait_until
from chromadrill.errors import DrillError
from chromadrill.model import Outcome, Scope
from chromadrill.monitoring.alerts import CLEARED, FIRED
from chromadrill.monitoring.journal import attempted
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.usage import Backups
from chromadrill.monitoring.verdicts import verdicts
from chromadrill.monitoring.watcher import Watch
from chromadrill.monitoring.watching import Somewhere, watch_of


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

    from chromadrill.monitoring.rules import rules

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

    from chromadrill.monitoring.rules import rules
    from chromadrill.settings import Monitoring

    watch = Watch([Slow()], rules(Monitoring()), 30.0, clock=lambda: now[0], wait=wait)
    watch.run(600)
    assert [(e.rule.name, e.at) for e in watch.alerts.events] == [("high latency", 300.0)]


@pytest.mark.parametrize("error", [CallFailed("GET /x", 500, "boom"), DrillError("x")])
def test_metrics_that_cannot_be_had_are_samples_without_value(error):
    from chromadrill.monitoring.usage import Metrics

    class Broken:
        def metrics(self):
            raise error

    assert {each.value for each in Metrics(Broken()).look()} == {None}


def test_backups_of_others_say_nothing_of_a_server_whose_backups_nobody_notes(tmp_path):
    journal = tmp_path / "backups.jsonl"
    attempted(journal, "other", good=True, message="verified")
    here = Somewhere("here", "http://127.0.0.1:9")
    assert Backups(here, journal).signals == ()
    attempted(journal, "here", good=False, message="no room")
    journal.open("a").write('{"torn')
    backups = Backups(here, journal)
    assert backups.signals
    failed, age = backups.look()
    assert (failed.value, age.value) == (0.0, float("inf"))
    assert "no room" in failed.detail
