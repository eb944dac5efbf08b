"""A restore between the look and the commit: what nobody can vouch for is not rolled back."""

from dataclasses import dataclass

import numpy as np
import pytest

from chromadrill.backups import catalog
from chromadrill.backups.export.backup_method import put_back_via_api, take
from chromadrill.chroma import permissions
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.model import Backup, Scope
from chromadrill.targets.guarded import GuardedTarget
from chromadrill.targets.home import SAFETY_FOLDER, home_of
from chromadrill.targets.safety import ownership
from chromadrill.targets.safety.target_role import TargetRole


class Platform:
    """A user's own class: its switch is a word, the server behind it is real and stays up."""

    name = "box"

    def __init__(self, url):
        self.url, self.up, self.starts, self.restored = url, True, 1, []
        self.lists_all, self.exported = True, None

    def start(self):
        self.up, self.starts = True, self.starts + 1

    def stop(self):
        self.up = False

    kill = stop

    def running(self):
        return self.up

    def deployment(self):
        return f"deployment-{self.starts}"

    def facts(self):
        return {}

    def snapshot(self, name=None, method="volume-copy"):
        return Backup("one", "", method, "2026-06-01T00:00:00Z", 1)

    def snapshots(self):
        return [self.exported or self.snapshot()]

    def restore(self, backup_id):
        self.restored.append(backup_id)
        if self.exported:
            put_back_via_api(self.exported, self)


@dataclass(frozen=True)
class Box:
    """A platform, and the safety rules before it."""

    platform: Platform
    guard: GuardedTarget

    @property
    def home(self):
        """Where the safety rules keep what they know of it."""
        return home_of(self.platform)


@pytest.fixture
def box(server, tmp_path, monkeypatch):
    """Taken over while it was empty, a snapshot made, stopped."""
    monkeypatch.chdir(tmp_path)
    permissions.forget()
    platform = Platform(server.url)
    at = TargetRole("box", server.url, "command", "staging", "staging", exclusive=True)
    with Chroma(server.url) as chroma:
        ids = {collection.id for collection in chroma.collections(Scope())}
    box = Box(platform, GuardedTarget(platform, at))
    notes = ownership.created_ids_file(box.home)
    notes.write_text("\n".join(ids))
    ownership.claim_ownership(at, box.home, [Scope()])
    notes.unlink()
    box.guard.snapshot("one", "volume-copy")
    box.guard.before_stop()
    platform.stop()
    return box


def test_what_was_stopped_by_us_and_not_started_since_is_restored(box):
    assert box.guard.restore("one") == "one"
    assert box.platform.restored == ["one"]


def test_server_that_others_started_and_stopped_meanwhile_is_not(box):
    box.platform.start()
    with Chroma(box.platform.url) as chroma:
        docs = chroma.collection(Scope(), "docs")
        chroma.upsert(docs, ids=["r1"], vectors=np.ones((1, 8), np.float32))
    box.platform.stop()
    with pytest.raises(Refused, match="what was last written is unknown"):
        box.guard.restore("one")
    assert not box.platform.restored


@pytest.mark.parametrize("role", ["staging", "scratch"])
def test_live_server_without_a_marker_is_not_restored_whatever_its_role(box, role):
    (box.home / SAFETY_FOLDER / ownership.NAME).unlink()
    at = TargetRole("box", box.platform.url, "command", "x", role, exclusive=True)
    with pytest.raises(Refused, match="no ownership marker"):
        GuardedTarget(box.platform, at).restore("one")
    assert not box.platform.restored


def test_volume_of_a_platform_that_lists_no_backups_is_not(box):
    box.platform.lists_all = False
    with pytest.raises(Refused, match="cannot be listed"):
        box.guard.restore("one")
    assert not box.platform.restored


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["a drill's", "a user's"])
def test_export_that_a_drill_restores_makes_nobody_elses_collection_a_drills(
    box, tmp_path, monkeypatch, whose
):
    notes = ownership.created_ids_file(box.home)
    monkeypatch.setenv(permissions.NOTES_VARIABLE, str(notes))
    with Chroma(box.platform.url) as chroma:
        before = chroma.collection(Scope(), "docs").id
    if whose == "a drill's":
        notes.write_text(f"{before}\n")
    (tmp_path / "exports").mkdir()
    box.platform.exported = take(box.platform, tmp_path / "exports", name="one", scopes=[Scope()])
    box.platform.start()
    box.guard.snapshot("one", "export")  # notes what others hold
    box.guard.before_stop()
    box.platform.stop()
    box.guard.restore("one")
    with Chroma(box.platform.url) as chroma:
        after = chroma.collection(Scope(), "docs").id
    assert after != before
    assert (after in ownership.created_ids(box.home)) == (whose == "a drill's")


@pytest.mark.parametrize("name", ["-rf", "a b", "a;id", "$(id)", "../x", "a@b", "", "a\nb", "é"])
def test_id_that_is_more_than_a_word_reaches_no_command(name):
    with pytest.raises(UsageError, match="no name for a snapshot"):
        catalog.require_plain(name)


def test_plain_ids_are_taken():
    for name in ("one", "20260601T020000Z-ab12", "_a.b-c"):
        catalog.require_plain(name)
