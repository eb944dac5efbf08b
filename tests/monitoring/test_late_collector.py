"""A target whose platform does not answer when the watch begins is watched as soon as it does."""

import threading
from dataclasses import dataclass

from chromadrill.core import settings
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Outcome, Usage
from chromadrill.core.settings import Monitoring
from chromadrill.monitoring import factory, late_collector
from chromadrill.monitoring.alerts import FIRED
from chromadrill.monitoring.factory import monitor_of, open_even_if_down
from chromadrill.monitoring.late_collector import LateCollector
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import DISK
from chromadrill.monitoring.verdicts import verdicts
from tests.monitoring.fake_clock import FakeClock

URL = "http://127.0.0.1:9"


@dataclass
class FullPlatform:
    """A target that tells of its volume, which is full, and of nothing else."""

    name: str = "far"
    url: str = URL

    def facts(self):
        return {}

    def metrics(self):
        return Usage(None, None, 99, 100, restarts=None, oom_kills=None)


class LateMonitor:
    """A monitor of what the platform of `far` tells, on a clock of its own: one look every 30 s.

    `opens`: what each try to open it returns, or raises; the last one again and again.
    """

    def __init__(self, monkeypatch, tmp_path, opens, kind="railway"):
        self.opens = list(opens)
        monkeypatch.setattr(factory, "open_target", self.open)
        environ = {
            "DRILL_TARGETS__FAR__KIND": kind,
            "DRILL_TARGETS__FAR__URL": URL,
            "DRILL_MONITORING__BACKUP_JOURNAL": str(tmp_path / "backups.jsonl"),
        }
        loaded = settings.load(environ=environ)
        watched = monitor_of(open_even_if_down(loaded, "far"), loaded).collectors
        self.collectors = [one for one in watched if "health" not in one.signals]
        self.clock = FakeClock()
        self.monitor = Monitor(self.collectors, rules(Monitoring()), 30.0, clock=self.clock)

    def open(self, settings, name):
        outcome = self.opens.pop(0) if len(self.opens) > 1 else self.opens[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome() if callable(outcome) else outcome

    def look(self, times):
        """The rules that have fired, after so many looks."""
        for _ in range(times):
            self.monitor.look()
            self.clock.at += 30.0
        return {event.rule.name for event in self.monitor.alerts.events if event.kind == FIRED}

    @property
    def outcomes(self):
        return {verdict.check: verdict.outcome for verdict in verdicts(self.monitor.alerts)}


SILENT = Unavailable("Railway, project: no connection; tried for 60 s.")


def test_platform_that_never_answers_is_unknown_and_nobody_is_told_that_all_is_well(
    monkeypatch, tmp_path
):
    late = LateMonitor(monkeypatch, tmp_path, [SILENT])
    assert late.look(10) == set()
    lost = ("disk", "oom restart", "backup failed", "backup overdue")
    assert {late.outcomes[rule] for rule in lost} == {Outcome.UNKNOWN}
    assert {rule.name for rule in late.monitor.alerts.undecided} >= {*lost}


def test_platform_that_answers_later_is_watched_from_then_on(monkeypatch, tmp_path):
    late = LateMonitor(monkeypatch, tmp_path, [SILENT, SILENT, SILENT, FullPlatform()])
    assert late.look(2) == set()
    assert late.look(1) == {"disk"}
    assert late.look(8) == {"disk"}
    assert late.outcomes["oom restart"] is Outcome.NOT_RUN  # this one does not tell


def test_capability_that_the_target_turns_out_to_lack_is_not_watched(monkeypatch, tmp_path):
    @dataclass
    class Bare:
        name: str = "far"
        url: str = URL

        def facts(self):
            return {}

    late = LateMonitor(monkeypatch, tmp_path, [SILENT, Bare()])
    late.look(8)
    assert late.outcomes["disk"] is Outcome.NOT_RUN
    assert late.monitor.alerts.undecided == []


def test_platform_that_hangs_delays_no_look_and_is_waited_for_later(monkeypatch, tmp_path):
    monkeypatch.setattr(late_collector, "PATIENCE_S", 0.01)
    go_on = threading.Event()
    late = LateMonitor(monkeypatch, tmp_path, [SILENT, lambda: go_on.wait(30) and FullPlatform()])
    (collector,) = [one for one in late.collectors if isinstance(one, LateCollector)]
    first = collector.collect(late.clock)
    assert {(sample.value, sample.unsupported) for sample in first} == {(None, False)}
    go_on.set()
    monkeypatch.setattr(late_collector, "PATIENCE_S", 10)
    (disk,) = [sample for sample in collector.collect(late.clock) if sample.signal == DISK]
    assert disk.value == 99


def test_url_without_a_platform_has_nothing_more_to_show_later(monkeypatch, tmp_path):
    late = LateMonitor(monkeypatch, tmp_path, [SILENT], kind="remote")
    late.look(8)
    assert late.outcomes["disk"] is Outcome.NOT_RUN
