"""Each backup that is proven is a scenario of its own, whatever its id is."""

import sqlite3

import pytest

from chromadrill.core.model import Artefact
from fixtures.backups import ids_of
from tests.commands.run import run_command

SUITE = "suites/drills/test_existing_backup.py"


def artefacts(*ids, at="2026-11-29T02:00:00Z"):
    return [Artefact(id=one, created_at=at, bytes=None, kind="folder") for one in ids]


@pytest.fixture
def here(tmp_path):
    """A folder with [backups.production], whose backups differ by signs that no id of pytest has."""
    for name in ("备份一", "备份二", "a-b"):
        (tmp_path / "nights" / name).mkdir(parents=True)
        with sqlite3.connect(tmp_path / "nights" / name / "chroma.sqlite3") as db:
            db.execute("create table t(a)")
    (tmp_path / "drill.toml").write_text('[backups.production]\nsource = "nights"\n')
    return tmp_path


def test_plain_id_stays_as_it_is():
    assert ids_of(artefacts("night-1", "2026/11/29", "x")) == ["night-1", "2026-11-29", "x"]


def test_ids_that_would_be_equal_differ_in_whatever_order_they_come():
    ids = ["备份一", "备份二", "a/b", "a-b"]
    names = ids_of(artefacts(*ids))
    assert len(set(names)) == len(ids)
    assert ids_of(artefacts(*reversed(ids))) == names[::-1]


def test_same_id_of_two_times_is_two_scenarios():
    nights = artefacts("night") + artefacts("night", at="2026-11-30T02:00:00Z")
    assert len(set(ids_of(nights))) == 2


def test_long_id_leaves_room_for_what_a_file_is_called_by():
    ids = ["a" * 230, "a" * 231]
    names = ids_of(artefacts(*ids))
    assert len(set(names)) == 2
    assert max(map(len, names)) < 120


def test_path_that_is_no_utf8_has_an_id():
    (name,) = ids_of(artefacts("sicherung-\udcfc" + "x" * 200))
    assert name.isascii()


def test_backups_of_other_scripts_are_all_collected(here):
    words = ("drill", SUITE, "--backup=production", "--new", "--collect-only", "-q")
    ran = run_command(*words, cwd=here)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("test_existing_backup_is_proven[") == 3
