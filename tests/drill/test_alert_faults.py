"""The faults of an alert drill do what they say, and can be taken back."""

from datetime import timedelta

from chromadrill.backups import manifest
from chromadrill.core.clock import utc_now
from chromadrill.core.model import Backup
from chromadrill.core.protocols import HasSnapshots
from chromadrill.drill.alert_faults import BackupPlace
from chromadrill.monitoring.backup_collector import BackupCollector
from chromadrill.monitoring.backup_journal import attempts, log_attempt
from chromadrill.monitoring.samples import BACKUP_AGE

DAY_S = 86_400


class WithSnapshots:
    """A target whose snapshots are folders with a manifest and a fingerprint."""

    name, url = "box", "http://127.0.0.1:1"

    def __init__(self, home):
        self.folder = home / "snapshots"

    def facts(self):
        return {}

    def snapshot(self, name=None, method="volume-copy"):
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "fingerprint").touch()
        manifest.write(folder, {"id": name, "created_at": utc_now()})

    def snapshots(self):
        return [
            Backup(folder.name, str(folder), "volume-copy", manifest.read(folder)["created_at"], 0)
            for folder in self.folder.iterdir()
        ]

    def restore(self, backup_id):
        raise NotImplementedError


def age_s(target, journal):
    samples = BackupCollector(target, journal).collect(lambda: 0.0)
    return next(sample.value for sample in samples if sample.signal == BACKUP_AGE)


def test_aged_backups_are_old_for_the_monitor_until_one_is_made(tmp_path):
    target, journal = WithSnapshots(tmp_path), tmp_path / "journal"
    assert isinstance(target, HasSnapshots)
    target.snapshot("first")
    log_attempt(journal, target.name, good=True, message="verified")
    assert age_s(target, journal) < 60
    BackupPlace(tmp_path, journal).age(timedelta(days=2))
    assert 2 * DAY_S <= age_s(target, journal) < 2 * DAY_S + 60
    assert attempts(journal, {target.name})[0]["message"] == "verified"
    target.snapshot("second")
    assert age_s(target, journal) < 60


def test_lost_place_takes_no_backup_and_comes_back_with_what_was_in_it(tmp_path):
    target, place = WithSnapshots(tmp_path), BackupPlace(tmp_path, tmp_path / "journal")
    target.snapshot("first")
    place.lose()
    assert not target.folder.is_dir()
    place.give_back()
    place.give_back()
    assert [backup.id for backup in target.snapshots()] == ["first"]
