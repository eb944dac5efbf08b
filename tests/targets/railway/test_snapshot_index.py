"""What is kept beside the platform's snapshots: a damaged entry keeps no snapshot away."""

import json

import pytest

from chromadrill.core.errors import Refused
from chromadrill.targets.railway.backups import PlatformBackup
from chromadrill.targets.railway.snapshot_index import METHOD, SnapshotIndex
from tests.conftest import fingerprint

ON_PLATFORM = [
    PlatformBackup(f"id-{name}", name, f"2026-01-0{day}T00:00:00Z", 1, False, None)
    for day, name in enumerate(("one", "two"), 1)
]


@pytest.fixture
def index(tmp_path):
    """An index with an entry for each of both snapshots."""
    index = SnapshotIndex(tmp_path)
    for row in ON_PLATFORM:
        index.add(row.name, fingerprint(), row, {"backup": row.id}, size=1)
    return index


def damage(index, how):
    path = index.folder / "one" / "manifest.json"
    content = json.loads(path.read_text())
    if how == "cut":
        path.write_text(path.read_text()[:90])
    else:
        del content[how]
        path.write_text(json.dumps(content))


@pytest.mark.parametrize("how", ["cut", "method", "id", "source"])
def test_damaged_entry_leaves_the_platforms_snapshot_without_a_fingerprint(index, how):
    damage(index, how)
    backups = index.backups(ON_PLATFORM)
    assert [(b.id, b.method, bool(b.path)) for b in backups] == [
        ("two", METHOD, True), ("one", METHOD, False)]  # fmt: skip
    assert [index.platform_backup(backup, ON_PLATFORM).id for backup in backups] == [
        "id-two", "id-one"]  # fmt: skip


def test_damaged_entry_is_warned_of(index, caplog):
    damage(index, "cut")
    index.backups(ON_PLATFORM)
    assert "The snapshot one is left out" in caplog.text


def test_name_of_a_damaged_entry_is_not_used_again(index):
    damage(index, "cut")
    with pytest.raises(Refused, match="'one' exists already"):
        index.new_id("one", [])
    assert index.new_id("two", []) == "two"  # the platform has deleted that one
