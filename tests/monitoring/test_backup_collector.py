"""What the monitor makes of the journal of backups and of a target's own list."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.core.model import Backup, Outcome
from chromadrill.core.settings import Monitoring
from chromadrill.monitoring.alerts import FIRED
from chromadrill.monitoring.backup_collector import Backups
from chromadrill.monitoring.backup_journal import attempted, attempts
from chromadrill.monitoring.factory import Somewhere
from chromadrill.monitoring.monitor import Watch
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.verdicts import verdicts

HERE = Somewhere("here", "http://127.0.0.1:9")


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "backups.jsonl"


def line(journal, at, outcome="pass", target="here"):
    said = {"at": at, "target": target, "outcome": outcome, "message": "m"}
    with journal.open("a") as file:
        file.write(json.dumps(said) + "\n")


def ago(**time):
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


class Watched:
    """A watch of the backups alone, on a clock of its own: one look every 30 s."""

    def __init__(self, target, journal):
        self.at = 0.0
        self.watch = Watch([Backups(target, journal)], rules(Monitoring()), 30.0,
                           clock=lambda: self.at)  # fmt: skip

    def looks(self, number):
        for _ in range(number):
            self.watch.look()
            self.at += 30.0
        return {e.rule.name for e in self.watch.alerts.events if e.kind == FIRED}

    @property
    def outcomes(self):
        found = {each.check: each.outcome for each in verdicts(self.watch.alerts)}
        return found["backup failed"], found["backup overdue"]


def test_target_whose_backups_nobody_notes_says_nothing_of_them_and_is_not_lost(journal):
    attempted(journal, "other", good=True, message="verified")
    watched = Watched(HERE, journal)
    assert watched.looks(30) == set()
    assert watched.watch.alerts.events == []
    assert watched.outcomes == (Outcome.NOT_RUN, Outcome.NOT_RUN)
    said = {each.check: each.message for each in verdicts(watched.watch.alerts)}
    assert said["backup overdue"] == "cannot be told: nobody notes its backups"


def test_first_backup_of_all_that_fails_while_somebody_watches_alerts(journal):
    watched = Watched(HERE, journal)
    watched.looks(30)
    attempted(journal, "here", good=False, message="no room")
    journal.open("a").write('{"torn')
    assert "backup failed" in watched.looks(2)
    assert watched.outcomes[0] is Outcome.FAIL
    failed, age = Backups(HERE, journal).look()
    assert (failed.value, age.value) == (0.0, float("inf"))
    assert "no room" in failed.detail


def test_line_dated_in_the_future_hides_no_overdue_backup_and_is_told(journal):
    line(journal, ago(days=5))
    line(journal, "2099-01-01T00:00:00+00:00")
    watched = Watched(HERE, journal)
    assert watched.looks(1) == {"backup overdue"}
    said = [each.message for each in verdicts(watched.watch.alerts)]
    assert any("1 lines of the journal are dated in the future" in each for each in said)


def test_clock_that_is_half_a_minute_ahead_is_no_future(journal):
    line(journal, ago(seconds=-30))
    assert [each.value for each in Backups(HERE, journal).look()] == [1.0, 0.0]


def test_time_without_a_zone_is_utc(journal):
    line(journal, datetime.now(UTC).replace(tzinfo=None).isoformat())
    good, age = Backups(HERE, journal).look()
    assert good.value == 1
    assert age.value < 60


@pytest.mark.parametrize(
    "named", ["http://localhost:9", "http://127.0.0.1:9/", "http://user:word@LOCALHOST:9", "here"]
)
def test_journal_names_a_target_in_any_of_its_ways(named, journal):
    line(journal, ago(), target=named)
    line(journal, ago(), target="http://127.0.0.1:10")
    line(journal, ago(), target=["no name"])
    assert [e["target"] for e in attempts(journal, {HERE.name, HERE.url})] == [named]


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
    watched = Watched(platform, journal)
    assert watched.looks(1) == {"backup overdue"}
    (said,) = [v for v in verdicts(watched.watch.alerts) if v.check == "backup overdue"]
    assert "1 that nobody verified" in said.message


def test_backup_with_our_fingerprint_beside_it_is_a_verified_one(journal, tmp_path):
    (tmp_path / "fingerprint").write_bytes(b"x")
    platform = Platform([Backup("ours", str(tmp_path), "export", ago(minutes=1), 5)])
    watched = Watched(platform, journal)
    assert watched.looks(30) == set()
    assert watched.outcomes == (Outcome.PASS, Outcome.PASS)
    assert outcome_of(verdicts(watched.watch.alerts)) is Outcome.PASS
