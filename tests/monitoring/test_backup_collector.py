"""What the monitor makes of the journal of backups and of a target's own list."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.core.model import Backup, Outcome
from chromadrill.core.settings import Monitoring
from chromadrill.monitoring.alerts import FIRED
from chromadrill.monitoring.backup_collector import BackupCollector
from chromadrill.monitoring.backup_journal import attempts, log_attempt
from chromadrill.monitoring.factory import UnreachableTarget
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.verdicts import verdicts
from tests.monitoring.fake_clock import FakeClock

TARGET = UnreachableTarget("here", "http://127.0.0.1:9")


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "backups.jsonl"


def line(journal, at, outcome="pass", target="here"):
    entry = {"at": at, "target": target, "outcome": outcome, "message": "m"}
    with journal.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def ago(**time):
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


class BackupMonitor:
    """A monitor of the backups alone, on a clock of its own: one look every 30 s."""

    def __init__(self, target, journal):
        self.clock = FakeClock()
        collector = BackupCollector(target, journal)
        self.monitor = Monitor([collector], rules(Monitoring()), 30.0, clock=self.clock)

    def look(self, times):
        """The rules that have fired, after so many looks."""
        for _ in range(times):
            self.monitor.look()
            self.clock.at += 30.0
        return {event.rule.name for event in self.events if event.kind == FIRED}

    @property
    def events(self):
        return self.monitor.alerts.events

    @property
    def verdicts(self):
        return {verdict.check: verdict for verdict in verdicts(self.monitor.alerts)}

    @property
    def outcomes(self):
        return tuple(self.verdicts[check].outcome for check in ("backup failed", "backup overdue"))


def test_target_whose_backups_nobody_notes_says_nothing_of_them_and_is_not_lost(journal):
    log_attempt(journal, "other", good=True, message="verified")
    monitor = BackupMonitor(TARGET, journal)
    assert monitor.look(30) == set()
    assert monitor.events == []
    assert monitor.outcomes == (Outcome.NOT_RUN, Outcome.NOT_RUN)
    assert monitor.verdicts["backup overdue"].message == "cannot be told: nobody notes its backups"


def test_first_backup_of_all_that_fails_while_somebody_watches_alerts(journal):
    monitor = BackupMonitor(TARGET, journal)
    monitor.look(30)
    log_attempt(journal, "here", good=False, message="no room")
    journal.open("a").write('{"torn')
    assert "backup failed" in monitor.look(2)
    assert monitor.outcomes[0] is Outcome.FAIL
    failed, age = BackupCollector(TARGET, journal).collect(FakeClock())
    assert (failed.value, age.value) == (0.0, float("inf"))
    assert "no room" in failed.detail


def test_line_dated_in_the_future_hides_no_overdue_backup_and_is_told(journal):
    line(journal, ago(days=5))
    line(journal, "2099-01-01T00:00:00+00:00")
    monitor = BackupMonitor(TARGET, journal)
    assert monitor.look(1) == {"backup overdue"}
    messages = [verdict.message for verdict in monitor.verdicts.values()]
    assert any("1 lines of the journal are dated in the future" in text for text in messages)


def test_clock_that_is_half_a_minute_ahead_is_no_future(journal):
    line(journal, ago(seconds=-30))
    samples = BackupCollector(TARGET, journal).collect(FakeClock())
    assert [sample.value for sample in samples] == [1.0, 0.0]


def test_time_without_a_zone_is_utc(journal):
    line(journal, datetime.now(UTC).replace(tzinfo=None).isoformat())
    good, age = BackupCollector(TARGET, journal).collect(FakeClock())
    assert good.value == 1
    assert age.value < 60


@pytest.mark.parametrize(
    "named", ["http://localhost:9", "http://127.0.0.1:9/", "http://user:word@LOCALHOST:9", "here"]
)
def test_journal_names_a_target_in_any_of_its_ways(named, journal):
    line(journal, ago(), target=named)
    line(journal, ago(), target="http://127.0.0.1:10")
    line(journal, ago(), target=["no name"])
    assert [entry["target"] for entry in attempts(journal, {TARGET.name, TARGET.url})] == [named]


@dataclass
class Platform:
    """A target that lists backups of its own."""

    listed: list = field(default_factory=list)
    name: str = "here"
    url: str = "http://127.0.0.1:9"

    def snapshot(self, name=None, method="volume-copy"):
        raise NotImplementedError

    def snapshots(self):
        return self.listed

    def restore(self, backup_id):
        raise NotImplementedError


def test_backup_that_the_platform_made_by_itself_is_not_a_verified_one(journal):
    platform = Platform([Backup("daily", "", "volume", ago(minutes=1), 5)])
    monitor = BackupMonitor(platform, journal)
    assert monitor.look(1) == {"backup overdue"}
    assert "1 that nobody verified" in monitor.verdicts["backup overdue"].message


def test_backup_with_our_fingerprint_beside_it_is_a_verified_one(journal, tmp_path):
    (tmp_path / "fingerprint").write_bytes(b"x")
    platform = Platform([Backup("ours", str(tmp_path), "export", ago(minutes=1), 5)])
    monitor = BackupMonitor(platform, journal)
    assert monitor.look(30) == set()
    assert monitor.outcomes == (Outcome.PASS, Outcome.PASS)
    assert outcome_of(monitor.verdicts.values()) is Outcome.PASS


def test_snapshot_dated_in_the_future_hides_no_overdue_backup_and_is_told(journal, tmp_path):
    (tmp_path / "fingerprint").write_bytes(b"x")
    times = {"ahead": ago(days=-365), "old": ago(days=40)}
    listed = [Backup(name, str(tmp_path), "volume-copy", at, 5) for name, at in times.items()]
    monitor = BackupMonitor(Platform(listed), journal)
    assert monitor.look(1) == {"backup overdue"}
    assert "1 backups are dated in the future" in monitor.verdicts["backup overdue"].message


def test_snapshot_of_a_clock_that_is_half_a_minute_ahead_is_no_future(journal, tmp_path):
    (tmp_path / "fingerprint").write_bytes(b"x")
    listed = [Backup("ours", str(tmp_path), "volume-copy", ago(seconds=-30), 5)]
    samples = BackupCollector(Platform(listed), journal).collect(FakeClock())
    assert [sample.value for sample in samples] == [1.0, 0.0]
