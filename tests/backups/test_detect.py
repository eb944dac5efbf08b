"""A backup is found in an archive however deep it lies, and two of them are not one."""

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from chromadrill.backups.detect import open_existing
from chromadrill.core.errors import Unavailable


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "source" / "chroma_db"
    (folder / "segment").mkdir(parents=True)
    (folder / "segment" / "header.bin").write_bytes(b"x")
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as db:
        db.execute("CREATE TABLE t (a)")
    return folder


def packed(tmp_path, *members):
    archive = tmp_path / "backup.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for folder, name in members:
            tar.add(folder, name)
    (tmp_path / "scratch").mkdir()
    return archive, tmp_path / "scratch"


@pytest.mark.parametrize(
    "place", ["home/me/chroma_db", "chroma_db", "data", "app/data", "a/b/c/d/e/f/data", "."]
)
def test_store_is_found_however_deep_it_lies_in_the_archive(store, tmp_path, place):
    archive, scratch = packed(tmp_path, (store, place))
    assert (open_existing(archive, scratch).data / "segment" / "header.bin").is_file()


def test_archive_in_which_two_names_are_one_file_comes_back_whole(store, tmp_path):
    """As deduplicating tools leave it: header.bin is the same in two collections of one size."""
    (store / "other").mkdir()
    (store / "other" / "header.bin").hardlink_to(store / "segment" / "header.bin")
    archive, scratch = packed(tmp_path, (store, "chroma_db"))
    data = open_existing(archive, scratch).data
    assert [(data / name / "header.bin").read_bytes() for name in ("segment", "other")] == [
        b"x"
    ] * 2


def test_manifest_of_somebody_else_beside_or_above_a_store_is_not_read(
    store, tmp_path, monkeypatch
):
    (store.parent / "manifest.json").write_text('{"name": "My app"}')
    (store.parent / "web").mkdir()
    (store.parent / "web" / "manifest.json").write_text('{"name": "My app"}')
    archive, scratch = packed(tmp_path, (store.parent, "srv"))
    assert open_existing(archive, scratch).manifest == {}
    monkeypatch.chdir(store)
    existing = open_existing(Path(), scratch)
    assert (existing.manifest, existing.facts()["id"]) == ({}, "chroma_db")


def test_archive_of_two_stores_names_both_and_guesses_none(store, tmp_path):
    archive, scratch = packed(tmp_path, (store, "home/me/one"), (store, "home/me/two"))
    with pytest.raises(Unavailable, match=r"2 backups: home/me/one, home/me/two"):
        open_existing(archive, scratch)


def test_archive_without_a_store_is_no_backup(tmp_path):
    (tmp_path / "letters").mkdir()
    archive, scratch = packed(tmp_path, (tmp_path / "letters", "home/letters"))
    with pytest.raises(Unavailable, match=r"no chroma\.sqlite3"):
        open_existing(archive, scratch)
