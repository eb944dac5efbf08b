"""The target's own snapshots as a source: where they can be had, and what is said where they cannot."""

import pytest

from chromadrill.backups import catalog
from chromadrill.backups.sources.registry import open_source
from chromadrill.backups.sources.target_store import TargetSource
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Backup, BackupStore, StoreEntry
from chromadrill.core.settings import BackupTable, Settings
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.targets.railway.target import RailwayTarget
from tests.conftest import fingerprint

AT = "2026-11-29T02:00:00.000Z"


class OnPlatform:
    """A target whose snapshots lie on its platform."""

    name, url = "staging", "http://127.0.0.1:9"

    def facts(self):
        return {}

    def snapshot(self, name=None, method=""):
        raise NotImplementedError

    def restore(self, backup_id):
        raise NotImplementedError

    def snapshots(self):
        return [Backup("night", "", "platform snapshot", AT, 0)]


class OnRailway(OnPlatform):
    kept_because = RailwayTarget.kept_because


class HandsOut(OnPlatform):
    def fetch_snapshot(self, backup_id, into):
        (into / backup_id).mkdir()
        (into / backup_id / "chroma.sqlite3").write_bytes(b"SQLite format 3\0")


class ListsAlone:
    name, url = "staging", "http://127.0.0.1:9"

    def facts(self):
        return {}

    def backup_store(self):
        return BackupStore("a platform", (StoreEntry("night", AT, 7),))


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "scratch" / "backup"
    folder.mkdir(parents=True)
    return folder


def test_snapshot_of_a_server_on_this_machine_is_read_where_it_lies(tmp_path, into):
    target = ProcessTarget(tmp_path / "home")
    with catalog.new_folder(tmp_path / "home" / "snapshots", "night") as folder:
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "chroma.sqlite3").write_bytes(b"SQLite format 3\0")
        catalog.describe(folder, fingerprint(), backup_id="night", method="volume-copy", source={})
    table = BackupTable(source="target", target="mine")
    source = open_source(Settings(backups={"mine": table}), "mine", open_target=lambda name: target)
    (artefact,) = source.artefacts()
    assert (artefact.id, artefact.bytes, artefact.kind) == ("night", 16, "snapshot")
    assert source.fetch(artefact, into) == tmp_path / "home" / "snapshots" / "night"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (OnRailway(), "Railway's volume backups cannot be downloaded"),
        (OnPlatform(), "staging does not hand out its snapshot night"),
        (ListsAlone(), "staging does not hand out its snapshot night"),
    ],
)
def test_snapshot_that_its_platform_keeps_is_a_sentence_with_what_can_be_done(
    target, sentence, into
):
    source = TargetSource("production", target)
    (artefact,) = source.artefacts()
    with pytest.raises(Unavailable, match=sentence) as raised:
        source.fetch(artefact, into)
    assert "chromadrill backup --all" in raised.value.next_step
    assert "ops --target T restore" in raised.value.next_step


def test_target_of_your_own_may_hand_its_snapshots_out(into):
    source = TargetSource("production", HandsOut())
    (artefact,) = source.artefacts()
    assert source.fetch(artefact, into) == into / "night"


def test_target_without_snapshots_says_how_to_name_a_source():
    class Bare:
        name, url = "bare", "http://127.0.0.1:9"

        def facts(self):
            return {}

    with pytest.raises(Unavailable, match="bare has no snapshots") as raised:
        TargetSource("production", Bare()).artefacts()
    assert "restic:REPOSITORY" in raised.value.next_step
