"""A restore between the look and the commit: what nobody can vouch for is not rolled back."""

import numpy as np
import pytest

from chromadrill.backups import catalog
from chromadrill.backups.export.backup_method import put_back_via_api, take
from chromadrill.chroma import permissions
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.model import Backup, Scope
from chromadrill.targets.guarded import GuardedTarget
from chromadrill.targets.home import home_of
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


@pytest.fixture
def box(server, tmp_path, monkeypatch):
    """(platform, guarded): taken over while it was empty, a snapshot made, stopped."""
    monkeypatch.chdir(tmp_path)
    permissions.forget()
    platform = Platform(server.url)
    at = TargetRole("box", server.url, "command", "staging", "staging", exclusive=True)
    with Chroma(server.url) as chroma:
        seen = {each.id for each in chroma.collections(Scope())}
    guard = GuardedTarget(platform, at)
    notes = ownership.created_ids_file(home_of(platform))
    notes.write_text("\n".join(seen))
    ownership.claim_ownership(at, home_of(platform), [Scope()])
    notes.unlink()
    guard.snapshot("one", "volume-copy")
    guard.before_stop()
    platform.stop()
    return platform, guard


def test_what_was_stopped_by_us_and_not_started_since_is_restored(box):
    platform, guard = box
    assert guard.restore("one") == "one"
    assert platform.restored == ["one"]


def test_server_that_others_started_and_stopped_meanwhile_is_not(box):
    platform, guard = box
    platform.start()
    with Chroma(platform.url) as chroma:
        docs = chroma.collection(Scope(), "docs")
        chroma.upsert(docs, ids=["r1"], vectors=np.ones((1, 8), np.float32))
    platform.stop()
    with pytest.raises(Refused, match="what was last written is unknown"):
        guard.restore("one")
    assert not platform.restored


@pytest.mark.parametrize("role", ["staging", "scratch"])
def test_live_server_without_a_marker_is_not_restored_whatever_its_role(box, role):
    platform, _ = box
    (home_of(platform) / "rails" / "owner.json").unlink()
    at = TargetRole("box", platform.url, "command", "x", role, exclusive=True)
    with pytest.raises(Refused, match="no ownership marker"):
        GuardedTarget(platform, at).restore("one")
    assert not platform.restored


def test_volume_of_a_platform_that_lists_no_backups_is_not(box):
    platform, guard = box
    platform.lists_all = False
    with pytest.raises(Refused, match="cannot be listed"):
        guard.restore("one")
    assert not platform.restored


@pytest.mark.parametrize("whose", ["a drill's", "a user's"])
def test_export_that_a_drill_restores_makes_nobody_elses_collection_a_drills(
    box, tmp_path, monkeypatch, whose
):
    platform, guard = box
    notes = ownership.created_ids_file(home_of(platform))
    monkeypatch.setenv(permissions.NOTES_VARIABLE, str(notes))
    with Chroma(platform.url) as chroma:
        before = chroma.collection(Scope(), "docs").id
    if whose == "a drill's":
        notes.write_text(f"{before}\n")
    (tmp_path / "exports").mkdir()
    platform.exported = take(platform, tmp_path / "exports", name="one", scopes=[Scope()])
    platform.start()
    guard.snapshot("one", "export")  # notes what others hold
    guard.before_stop()
    platform.stop()
    guard.restore("one")
    with Chroma(platform.url) as chroma:
        after = chroma.collection(Scope(), "docs").id
    assert after != before
    assert (after in ownership.created_ids(home_of(platform))) == (whose == "a drill's")


@pytest.mark.parametrize("name", ["-rf", "a b", "a;id", "$(id)", "../x", "a@b", "", "a\nb", "é"])
def test_id_that_is_more_than_a_word_reaches_no_command(name):
    with pytest.raises(UsageError, match="no name for a snapshot"):
        catalog.require_plain(name)


def test_plain_ids_are_taken():
    for name in ("one", "20260601T020000Z-ab12", "_a.b-c"):
        catalog.require_plain(name)
