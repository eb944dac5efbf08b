"""A restic repository as a source: a real one, and all that can be wrong with it."""

import os
import shutil
import sqlite3
import subprocess
import tarfile

import pytest

from chromadrill.backups.sources.restic import parse_source
from chromadrill.core.clock import parse_time, utc_now
from chromadrill.core.errors import DrillError, Unavailable

# restic spends half a second of processor time on the password, each time
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("restic"), reason="restic is not installed"),
]
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("RESTIC_PASSWORD", PASSWORD)
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "restic-cache"))


def restic(repository, *args):
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
    subprocess.run(
        [shutil.which("restic"), "-q", "-r", str(repository), *map(str, args)],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("production") / "chroma"
    folder.mkdir()
    with sqlite3.connect(folder / "chroma.sqlite3") as db:
        db.execute("create table t(a)")
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory, store):
    """Two snapshots of one store."""
    folder = tmp_path_factory.mktemp("restic") / "repository"
    restic(folder, "init")
    restic(folder, "backup", "--time", "2026-11-28 02:00:00", store)
    restic(folder, "backup", store, "--tag", "nightly")
    return folder


def source(repository, *, timeout_s=60):
    return parse_source("production", f"restic:{repository}", timeout_s)


def test_snapshots_are_listed_and_one_is_restored(repository, store, tmp_path):
    newest, old = source(repository).artefacts()
    assert old.created_at.startswith("2026-11-28T")
    assert abs((parse_time(newest.created_at) - parse_time(utc_now())).total_seconds()) < 600
    into = tmp_path / "scratch" / "backup"
    into.mkdir(parents=True)
    path = source(repository).fetch(old, into)
    assert path == into / store.relative_to("/")
    assert (path / "chroma.sqlite3").read_bytes() == (store / "chroma.sqlite3").read_bytes()


def test_tag_and_path_choose_among_the_snapshots(repository, store):
    assert len(source(f"{repository}#nightly").artefacts()) == 1
    assert len(source(f"{repository}#{store}").artefacts()) == 2
    assert source(f"{repository}#other").artefacts() == []


def test_path_leaves_out_what_else_a_snapshot_holds(tmp_path, store):
    repository, other, into = tmp_path / "r", tmp_path / "etc", tmp_path / "scratch" / "backup"
    other.mkdir()
    into.mkdir(parents=True)
    (other / "passwd").write_text("x")
    restic(repository, "init")
    restic(repository, "backup", store, other)
    named = source(f"{repository}#{store}")
    (artefact,) = named.artefacts()
    named.fetch(artefact, into)
    assert not list(into.rglob("passwd"))


def test_archive_in_a_snapshot_is_the_backup(tmp_path, store):
    repository, folder, into = tmp_path / "r", tmp_path / "dumps", tmp_path / "scratch" / "backup"
    folder.mkdir()
    into.mkdir(parents=True)
    with tarfile.open(folder / "chroma.tar.gz", "w:gz") as tar:
        tar.add(store, arcname="chroma")
    restic(repository, "init")
    restic(repository, "backup", folder)
    dumps = source(repository)
    (artefact,) = dumps.artefacts()
    assert dumps.fetch(artefact, into).name == "chroma.tar.gz"


@pytest.mark.parametrize("password", [None, "", "wrong password of somebody"])
def test_repository_without_its_password_says_where_it_is_looked_for(
    repository, monkeypatch, password
):
    if password is None:
        monkeypatch.delenv("RESTIC_PASSWORD")
    else:
        monkeypatch.setenv("RESTIC_PASSWORD", password)
    with pytest.raises(
        Unavailable, match="is encrypted, and its password is wrong or missing"
    ) as e:
        source(repository).artefacts()
    assert "RESTIC_PASSWORD_FILE" in e.value.next_step
    assert not password or password not in str(e.value)


def test_repository_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(Unavailable, match="is not there"):
        source(tmp_path / "nothing").artefacts()


def test_snapshot_that_was_forgotten_meanwhile_is_a_sentence(tmp_path, store):
    repository, into = tmp_path / "r", tmp_path / "scratch" / "backup"
    into.mkdir(parents=True)
    restic(repository, "init")
    restic(repository, "backup", store)
    (artefact,) = source(repository).artefacts()
    restic(repository, "forget", artefact.id)
    with pytest.raises(Unavailable, match="is gone") as raised:
        source(repository).fetch(artefact, into)
    assert "--pick newest" in raised.value.next_step


def test_repository_with_lost_packs_is_a_sentence(tmp_path, store):
    repository, into = tmp_path / "r", tmp_path / "scratch" / "backup"
    into.mkdir(parents=True)
    restic(repository, "init")
    restic(repository, "backup", store)
    (artefact,) = source(repository).artefacts()
    packs = sorted((repository / "data").rglob("*"), key=lambda path: path.is_dir())
    for pack in (path for path in packs if path.is_file()):
        pack.unlink()
    # restic tries for minutes to read what is lost
    with pytest.raises(DrillError, match="restic restore: did not end within 3 s"):
        source(repository, timeout_s=3).fetch(artefact, into)


def test_snapshots_of_several_paths_want_a_name(tmp_path, store):
    repository, other = tmp_path / "r", tmp_path / "etc"
    other.mkdir()
    (other / "passwd").write_text("x")
    restic(repository, "init")
    restic(repository, "backup", store)
    restic(repository, "backup", other)
    with pytest.raises(Unavailable, match="several paths"):
        source(repository).artefacts()


def test_snapshots_of_one_host_are_told_from_those_of_another(tmp_path, store):
    repository = tmp_path / "r"
    restic(repository, "init")
    restic(repository, "backup", store, "--host", "production")
    restic(repository, "backup", store, "--host", "staging")
    with pytest.raises(Unavailable, match="several hosts: production; staging"):
        source(repository).artefacts()
    (production,) = source(f"{repository}#host=production").artefacts()
    (staging,) = source(f"{repository}#{store}#host=staging").artefacts()
    assert production.id != staging.id
