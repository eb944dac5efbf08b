"""A folder as a source: which of its entries are backups, when they were made, and where they lie."""

import json
import os
import sqlite3
import tarfile

import pytest

from chromadrill.backups.sources.folder import FolderSource
from chromadrill.backups.sources.source import pick
from chromadrill.core.clock import parse_time
from chromadrill.core.errors import Unavailable, UsageError

DAY_S = 86_400


def store(folder, *, age_s=0.0):
    """A data directory, as far as a source looks at it."""
    folder.mkdir(parents=True)
    sqlite3.connect(folder / "chroma.sqlite3").close()
    (folder / "chroma.sqlite3").write_bytes(b"SQLite format 3\0" + bytes(84))
    age(folder / "chroma.sqlite3", age_s)
    return folder


def age(path, age_s):
    at = path.stat().st_mtime - age_s
    os.utime(path, (at, at))


def archive(path, folder, *, age_s=0.0):
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    age(path, age_s)
    return path


def ids(source):
    return [artefact.id for artefact in source.artefacts()]


def test_copies_tars_and_exports_are_listed_the_newest_first(tmp_path):
    backups = tmp_path / "backups"
    store(backups / "monday", age_s=2 * DAY_S)
    archive(backups / "tuesday.tar.gz", store(tmp_path / "chroma"), age_s=DAY_S)
    (backups / "wednesday.jsonl").write_text('{"head":{}}\n')
    (backups / "notes.jsonl").write_text('{"a":1}\n')
    (backups / "README.txt").write_text("none")
    source = FolderSource("production", backups)
    assert ids(source) == ["wednesday.jsonl", "tuesday.tar.gz", "monday"]
    assert [artefact.kind for artefact in source.artefacts()] == ["export", "archive", "folder"]


def test_backups_in_folders_of_folders_are_found_and_not_what_is_inside_of_them(tmp_path):
    store(tmp_path / "daily" / "2026-11-29" / "chroma")
    store(tmp_path / "daily" / "2026-11-28" / "snapshot" / "data")
    assert sorted(ids(FolderSource("p", tmp_path))) == [
        "daily/2026-11-28/snapshot",
        "daily/2026-11-29/chroma",
    ]


def test_folder_that_is_a_backup_itself_is_the_one_artefact(tmp_path):
    source = FolderSource("p", store(tmp_path / "mirror"))
    (artefact,) = source.artefacts()
    assert artefact.id == "mirror"
    assert source.fetch(artefact, tmp_path / "into") == tmp_path / "mirror"


def test_link_to_the_latest_and_what_a_tool_still_writes_are_no_backups(tmp_path):
    store(tmp_path / "2026-11-29")
    store(tmp_path / ".2026-11-30")
    store(tmp_path / "2026-11-30.partial")
    (tmp_path / "alias").symlink_to("2026-11-29")
    (tmp_path / "gone").symlink_to("2026-11-01")
    (tmp_path / "circle").symlink_to(".")
    assert ids(FolderSource("p", tmp_path)) == ["2026-11-29"]


def test_manifest_says_when_a_snapshot_was_made(tmp_path):
    snapshot = store(tmp_path / "s" / "data").parent
    content = {
        "schema": "chromadrill/backup/1",
        "id": "s",
        "created_at": "2026-11-01T02:00:00+01:00",
        "bytes": 7,
    }
    (snapshot / "manifest.json").write_text(json.dumps(content))
    (artefact,) = FolderSource("p", tmp_path).artefacts()
    assert (artefact.created_at, artefact.bytes) == ("2026-11-01T01:00:00.000Z", 7)


def test_copy_that_kept_the_times_of_the_original_was_begun_when_it_came_here(tmp_path):
    store(tmp_path / "copy", age_s=3 * DAY_S)
    (artefact,) = FolderSource("p", tmp_path).artefacts()
    begun = parse_time(artefact.begun_at) - parse_time(artefact.created_at)
    assert begun.total_seconds() == pytest.approx(3 * DAY_S, abs=5)


def test_folder_that_is_not_there_and_backup_that_is_gone_are_sentences(tmp_path):
    with pytest.raises(Unavailable, match="there is no such folder"):
        FolderSource("p", tmp_path / "unmounted").artefacts()
    store(tmp_path / "a")
    source = FolderSource("p", tmp_path)
    (artefact,) = source.artefacts()
    (tmp_path / "a").rename(tmp_path / ".expired")
    with pytest.raises(Unavailable, match="a is gone"):
        source.fetch(artefact, tmp_path / "into")


def test_backup_is_picked_by_age_by_chance_and_by_id(tmp_path):
    for n in range(5):
        store(tmp_path / f"backup-{n}", age_s=n * DAY_S)
    artefacts = FolderSource("p", tmp_path).artefacts()
    assert pick(artefacts, "newest").id == "backup-0"
    assert pick(artefacts, "backup-3").id == "backup-3"
    assert pick(artefacts, "random", seed=1) == pick(artefacts, "random", seed=1)
    assert {pick(artefacts, "random").id for _ in range(200)} == {a.id for a in artefacts}
    with pytest.raises(UsageError, match="Did you mean 'backup-4'"):
        pick(artefacts, "bakup-4")
