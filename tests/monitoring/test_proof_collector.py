"""The rule `proof`: when was a restore of the target's own backups last proven?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.backups.own_sources import sources_of
from chromadrill.backups.proven import ProvenEntry, ProvenLog
from chromadrill.core.clock import time_text
from chromadrill.core.model import Outcome
from chromadrill.core.settings import BackupTable, Monitoring, Settings, TargetTable
from chromadrill.drill.alert_faults import ProvenSource
from chromadrill.monitoring.alerts import CLEARED, FIRED
from chromadrill.monitoring.factory import UnreachableTarget, monitor_of
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.proof_collector import ProofCollector
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.verdicts import verdicts
from tests.monitoring.fake_clock import FakeClock

SOURCES = {"production": BackupTable(source="/backups", target="here")}


@pytest.fixture
def log(tmp_path):
    return ProvenLog(tmp_path / "proven.jsonl")


def proof(days=0.0, outcome=Outcome.PASS, **changes):
    at = time_text(datetime.now(UTC) - timedelta(days=days))
    entry = ProvenEntry("production", "night-1", "d1", outcome, at, coverage=0.956)
    return replace(entry, **changes)


class ProofMonitor:
    """A monitor of proofs alone, on a clock of its own: one look every 30 s."""

    def __init__(self, log, sources=SOURCES):
        self.clock = FakeClock()
        self.monitor = Monitor(
            [ProofCollector(sources, log)], rules(Monitoring()), 30.0, clock=self.clock
        )

    def look(self, times=1):
        """The kinds of the rule's events so far, after so many looks."""
        for _ in range(times):
            self.monitor.look()
            self.clock.at += 30.0
        return [event.kind for event in self.monitor.alerts.events if event.rule.name == "proof"]

    @property
    def verdict(self):
        return {verdict.check: verdict for verdict in verdicts(self.monitor.alerts)}["proof"]


def test_a_restore_that_was_proven_lately_is_well(log):
    log.add(proof(days=2))
    monitor = ProofMonitor(log)
    assert monitor.look(10) == []
    assert monitor.verdict.outcome is Outcome.PASS


def test_a_source_of_which_nothing_was_ever_proven_pages_and_says_what_to_type(log):
    log.add(proof(outcome=Outcome.UNKNOWN))
    monitor = ProofMonitor(log)
    assert monitor.look() == [FIRED]
    assert monitor.verdict.outcome is Outcome.FAIL
    assert "no backup of production is proven in 1 tries: chromadrill prove production" in (
        monitor.verdict.message
    )


def test_a_proof_that_is_too_old_pages_until_a_new_one(log):
    log.add(proof(days=36))
    monitor = ProofMonitor(log)
    assert monitor.look() == [FIRED]
    assert "36.0 days old, 35.0 days are allowed" in monitor.verdict.message
    log.add(proof(artefact="night-2", digest="d2"))
    assert monitor.look(20) == [FIRED, CLEARED]


def test_a_failed_try_is_no_proof(log):
    log.add(proof(days=36))
    log.add(proof(outcome=Outcome.FAIL, digest="d2", artefact="night-2"))
    assert ProofMonitor(log).look() == [FIRED]


def test_the_worst_of_several_sources_counts(log):
    log.add(proof(days=2))
    log.add(proof(days=2, source="archive"))
    sources = {**SOURCES, "archive": BackupTable(source="/archive", proven_within_s=86_400)}
    monitor = ProofMonitor(log, sources)
    assert monitor.look() == [FIRED]
    assert "archive" in monitor.verdict.message


def test_a_proof_that_is_dated_in_the_future_proves_nothing(log):
    log.add(proof(days=-400))
    monitor = ProofMonitor(log)
    assert monitor.look() == [FIRED]
    assert "dated in the future" in monitor.verdict.message


def test_a_target_without_a_source_is_not_watched_and_not_lost(log):
    monitor = ProofMonitor(log, {})
    assert monitor.look(30) == []
    assert monitor.verdict.outcome is Outcome.NOT_RUN
    assert "no [backups.NAME]" in monitor.verdict.message


def test_a_memory_that_cannot_be_read_is_unknown(log):
    log.path.mkdir()
    monitor = ProofMonitor(log)
    monitor.look(30)
    assert monitor.verdict.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("backups", "name", "url", "found"),
    [
        ({"nightly": BackupTable(source="/b", target="prod")}, "prod", "http://h:1", ["nightly"]),
        ({"nightly": BackupTable(source="/b", target="prod")}, "http://h:1/", "http://h:1", ["nightly"]),
        ({"prod": BackupTable(source="/b")}, "prod", "http://h:1", ["prod"]),
        ({"nightly": BackupTable(source="/b", target="other")}, "prod", "http://h:1", []),
        ({"nightly": BackupTable(target="prod")}, "prod", "http://h:1", []),
        ({"staging": BackupTable(source="/b")}, "prod", "http://h:1", []),
    ],
)  # fmt: skip
def test_sources_are_those_of_the_target(backups, name, url, found):
    settings = Settings(backups=backups, targets={"prod": TargetTable(url="http://h:1")})
    assert list(sources_of(settings, name, url)) == found


def test_the_monitor_of_a_target_watches_the_proofs_of_its_sources(tmp_path):
    figures = Monitoring(backup_journal=str(tmp_path / "backups.jsonl"))
    settings = Settings(monitoring=figures, backups=SOURCES)
    monitor = monitor_of(UnreachableTarget("here", "http://127.0.0.1:9"), settings)
    (collector,) = [c for c in monitor.collectors if isinstance(c, ProofCollector)]
    assert list(collector.sources) == ["production"]
    assert collector.log.path == tmp_path / "proven.jsonl"


def test_aged_proofs_of_the_drill_are_old_until_one_is_made(log, tmp_path):
    source = ProvenSource("here", tmp_path / "snapshots", log, tmp_path / "proofs")
    source.note()
    collector = ProofCollector(source.tables, log)

    def percent():
        (sample,) = collector.collect(lambda: 0.0)
        return sample.value

    assert percent() < 1
    source.age(timedelta(days=36))
    assert 102 < percent() < 104
    source.note()
    assert percent() < 1
