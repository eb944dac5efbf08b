"""The rule `flusher`: does the flusher beside the server live?"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.core.clock import time_text
from chromadrill.core.model import Outcome
from chromadrill.core.settings import Monitoring, Settings
from chromadrill.monitoring.alerts import CLEARED, FIRED
from chromadrill.monitoring.factory import UnreachableTarget, monitor_of
from chromadrill.monitoring.flusher_collector import FlusherCollector
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.verdicts import verdicts
from tests.monitoring.fake_clock import FakeClock


@pytest.fixture
def heartbeat(tmp_path):
    return tmp_path / "flusher.json"


def beat(heartbeat, seconds_ago=0.0):
    at = time_text(datetime.now(UTC) - timedelta(seconds=seconds_ago))
    heartbeat.write_text(json.dumps({"at": at, "every_s": 1.0, "longest_s": 0.1}))


class FlusherMonitor:
    """A monitor of the flusher alone, on a clock of its own: one look every 30 s."""

    def __init__(self, heartbeat):
        self.clock = FakeClock()
        collectors = [FlusherCollector(heartbeat and str(heartbeat))]
        self.monitor = Monitor(collectors, rules(Monitoring()), 30.0, clock=self.clock)

    def look(self, times=1):
        """The kinds of the rule's events so far, after so many looks."""
        for _ in range(times):
            self.monitor.look()
            self.clock.at += 30.0
        return [event.kind for event in self.monitor.alerts.events if event.rule.name == "flusher"]

    @property
    def verdict(self):
        return {verdict.check: verdict for verdict in verdicts(self.monitor.alerts)}["flusher"]


def test_flusher_whose_heartbeat_is_young_is_well(heartbeat):
    beat(heartbeat)
    monitor = FlusherMonitor(heartbeat)
    assert monitor.look(10) == []
    assert monitor.verdict.outcome is Outcome.PASS


def test_dead_flusher_pages_once_until_one_syncs_again(heartbeat):
    beat(heartbeat, seconds_ago=90)
    monitor = FlusherMonitor(heartbeat)
    assert monitor.look(10) == [FIRED]
    assert "the last sync was 90." in monitor.verdict.message
    beat(heartbeat)
    assert monitor.look(10) == [FIRED, CLEARED]


def test_flusher_that_is_started_again_does_not_page(heartbeat):
    beat(heartbeat, seconds_ago=90)
    monitor = FlusherMonitor(heartbeat)
    monitor.look(2)
    beat(heartbeat)
    assert monitor.look(10) == []


def test_flusher_that_never_ran_pages(heartbeat):
    monitor = FlusherMonitor(heartbeat)
    assert monitor.look(3) == [FIRED]
    assert "no flusher has run" in monitor.verdict.message


def test_heartbeat_of_the_future_is_that_of_a_dead_flusher(heartbeat):
    beat(heartbeat, seconds_ago=-3600)
    assert FlusherMonitor(heartbeat).look(3) == [FIRED]


def test_heartbeat_that_cannot_be_read_is_unknown(heartbeat):
    heartbeat.mkdir()
    monitor = FlusherMonitor(heartbeat)
    assert FIRED not in monitor.look(10)
    assert monitor.verdict.outcome is Outcome.UNKNOWN


def test_server_without_a_flusher_is_not_watched_and_not_lost():
    monitor = FlusherMonitor(None)
    assert monitor.look(30) == []
    assert monitor.verdict.outcome is Outcome.NOT_RUN
    assert "flusher_heartbeat" in monitor.verdict.message


def test_the_monitor_of_a_target_watches_the_heartbeat_of_its_settings(heartbeat):
    settings = Settings(monitoring=Monitoring(flusher_heartbeat=str(heartbeat)))
    monitor = monitor_of(UnreachableTarget("here", "http://127.0.0.1:9"), settings)
    (collector,) = [c for c in monitor.collectors if isinstance(c, FlusherCollector)]
    assert collector.heartbeat == str(heartbeat)
