"""Which backups are proven: by name or path, the newest, by chance, and what is new."""

import json
import os
import shutil
import sqlite3

import pytest

from chromadrill.backups import manifest, proven
from chromadrill.backups.sources.folder import FolderSource
from chromadrill.core.errors import DrillError, Unavailable, UsageError
from chromadrill.core.model import Outcome
from chromadrill.core.settings import load
from chromadrill.drill.backup_selection import Wanted, require_source, select

DAY_S = 86_400


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings(here):
    """[backups.production] of five copies: `backup-0` is the newest."""
    for number in range(5):
        make(here / "nights" / f"backup-{number}", age_s=number * DAY_S)
    (here / "drill.toml").write_text('[backups.production]\nsource = "nights"\n')
    return load()


def make(folder, *, age_s=0.0):
    folder.mkdir(parents=True)
    file = folder / "chroma.sqlite3"
    with sqlite3.connect(file) as db:
        db.execute("create table t(a)")
        db.execute("insert into t values (?)", (folder.name,))
    at = file.stat().st_mtime - age_s
    os.utime(file, (at, at))
    return folder


def remember(settings, artefact, outcome=Outcome.PASS, *, folder=None):
    proven.remember(
        proven.log_beside(settings.monitoring.backup_journal),
        source="production",
        artefact=artefact.id,
        listing=manifest.files_of(folder) if folder else [],
        outcome=outcome,
        created_at=artefact.created_at,
    )


def picked(settings, **wanted):
    return [artefact.id for artefact in select(settings, "production", Wanted(**wanted)).picked]


def test_newest_is_the_default_and_ids_are_taken_in_their_order(settings):
    assert picked(settings) == ["backup-0"]
    assert picked(settings, picks=("backup-3", "newest", "backup-3")) == ["backup-3", "backup-0"]


def test_all_are_new_at_first_and_then_none(settings):
    artefacts = select(settings, "production").artefacts
    assert picked(settings, new=True) == [artefact.id for artefact in artefacts]
    for artefact in artefacts:
        remember(settings, artefact)
    selection = select(settings, "production", Wanted(new=True))
    assert selection.picked == []
    assert "all 5 are proven, the newest at 20" in selection.nothing_new()


def test_backup_that_goes_while_it_is_looked_at_ends_nothing(settings, here, monkeypatch):
    artefacts = select(settings, "production").artefacts
    remember(settings, artefacts[0])
    fetch = FolderSource.fetch

    def fetch_after_the_job(source, artefact, into):
        path = fetch(source, artefact, into) if artefact.id != "backup-3" else None
        shutil.rmtree(here / "nights" / "backup-3", ignore_errors=True)
        return path or fetch(source, artefact, into)

    monkeypatch.setattr(FolderSource, "fetch", fetch_after_the_job)
    assert picked(settings, new=True) == ["backup-1", "backup-2", "backup-4"]


@pytest.mark.parametrize(
    ("wanted", "words", "newer_too"),
    [
        ({}, ["newest"], ["backup-new"]),
        ({"new": True}, ["newest", *(f"backup-{n}" for n in range(5))], ["backup-new", "backup-0"]),
        ({"picks": ("newest",)}, ["newest"], ["backup-new"]),
        ({"picks": ("newest", "backup-3")}, ["newest", "backup-0", "backup-3"], ["backup-new"]),
        ({"picks": ("backup-1",)}, ["backup-1"], ["backup-1"]),
    ],
)
def test_newest_that_comes_after_the_choice_is_proven_with_its_age(
    settings, here, wanted, words, newer_too
):
    wanted = Wanted(**wanted)
    chosen = select(settings, "production", wanted).words(wanted)
    assert chosen == words
    make(here / "nights" / "backup-new", age_s=-5)
    selection = select(settings, "production", Wanted(tuple(chosen)))
    assert [artefact.id for artefact in selection.picked][: len(newer_too)] == newer_too
    assert selection.is_newest(selection.picked[0]) is ("newest" in words)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("./nights", "chromadrill prove production uses"),
        ("nights/backup-1", "chromadrill prove production --pick backup-1 uses"),
        ("nights/backup-1/chroma.sqlite3", "chromadrill prove production --pick backup-1 uses"),
        ("restic:/srv/repo", "chromadrill prove bucket uses"),
        ("restic:/srv/repo/#other", "chromadrill prove bucket uses"),
        ("restic:/srv/other", ""),
        ("elsewhere", ""),
    ],
)
def test_path_that_a_table_names_is_said_to_have_recordings_there(here, settings, text, command):
    (here / "elsewhere").mkdir()
    with (here / "drill.toml").open("a") as file:
        file.write('[backups.bucket]\nsource = "restic:/srv/repo#nightly"\n')
    remark = require_source(load(), text)
    assert command in remark
    assert bool(command) is bool(remark)


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN])
def test_backup_whose_last_try_did_not_pass_is_tried_again(settings, outcome):
    artefacts = select(settings, "production").artefacts
    for artefact in artefacts:
        remember(settings, artefact)
    remember(settings, artefacts[2], outcome)
    assert picked(settings, new=True) == ["backup-2"]


def test_backup_under_another_name_is_known_by_its_content(settings, here):
    artefacts = select(settings, "production").artefacts
    for artefact in artefacts:
        remember(settings, artefact, folder=here / "nights" / artefact.id)
    (here / "nights" / "backup-1").rename(here / "nights" / "renamed")
    assert picked(settings, new=True) == []


def test_backup_of_the_same_name_that_was_made_anew_is_new(settings, here):
    artefacts = select(settings, "production").artefacts
    for artefact in artefacts:
        remember(settings, artefact, folder=here / "nights" / artefact.id)
    file = here / "nights" / "backup-1" / "chroma.sqlite3"
    with sqlite3.connect(file) as db:
        db.execute("insert into t values ('more')")
    assert picked(settings, new=True) == ["backup-1"]


def test_old_ones_by_chance_come_besides_and_are_never_the_newest(settings):
    for _ in range(20):
        ids = picked(settings, picks=("newest",), by_chance=2)
        assert ids[0] == "backup-0"
        assert len(set(ids)) == 3
    assert "backup-0" not in {name for _ in range(50) for name in picked(settings, by_chance=1)}
    assert len(picked(settings, by_chance=99)) == 4


def test_name_that_is_a_path_too_is_the_table_and_that_is_said(settings, here):
    make(here / "production")
    selection = select(settings, "production")
    assert selection.table == "production"
    assert "for the path write ./production" in selection.remark
    assert select(settings, "./production").table is None


def test_path_that_is_a_folder_of_backups_is_a_source_of_them(settings):
    selection = select(settings, "./nights")
    assert (selection.table, [a.id for a in selection.picked]) == (None, ["backup-0"])


@pytest.mark.parametrize("text", [".", "../backup-1", "production"])
def test_backup_is_not_proven_from_within_it(here, monkeypatch, text):
    """The evidence would be written into it."""
    make(here / "nights" / "backup-1")
    source = json.dumps(str(here / "nights"))
    (here / "drill.toml").write_text(f"[backups.production]\nsource = {source}\n")
    settings = load()
    monkeypatch.chdir(here / "nights" / "backup-1")
    with pytest.raises(UsageError, match=r"cd .*/nights && chromadrill prove"):
        select(settings, text)
    monkeypatch.chdir(here / "nights")
    assert [a.id for a in select(settings, "./backup-1").picked] == ["backup-1"]


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("prodution", UsageError, "Did you mean 'production'"),
        ("no/such", Unavailable, "does not exist"),
        ("night.tar.gz", Unavailable, "does not exist"),
    ],
)
def test_what_names_nothing_is_a_sentence(settings, text, kind, sentence):
    with pytest.raises(kind) as raised:
        require_source(settings, text)
    assert sentence in str(raised.value)


def test_new_ones_of_a_path_cannot_be_told(settings):
    with pytest.raises(UsageError, match="needs a source with a name"):
        select(settings, "./nights", Wanted(new=True))


def test_source_without_a_backup_and_table_without_a_source_are_sentences(here):
    (here / "empty").mkdir()
    (here / "drill.toml").write_text(
        '[backups.none]\nsource = "empty"\n[backups.recorded]\ntarget = "http://127.0.0.1:9"\n'
    )
    settings = load()
    with pytest.raises(Unavailable, match="holds no backup"):
        select(settings, "none")
    with pytest.raises(DrillError, match="has no source"):
        select(settings, "recorded")
