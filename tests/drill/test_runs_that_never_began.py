"""Where a run does not begin it leaves no folder: a folder without a record looks like one cut short."""

import sqlite3

import pytest

from chromadrill.backups import manifest, proven
from chromadrill.core.model import Outcome
from chromadrill.core.settings import load
from chromadrill.drill.backup_selection import select
from tests.commands.run import drill, run_command

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--target", "cloud", "--allow-damage", "cloud"), "Refused"),
        (("--new",), "--new needs --backup"),
        (("--backup=/nowhere",), "not a backup"),
    ],
)
def test_refused_option_leaves_no_folder(tmp_path, words, sentence):
    (tmp_path / "drill.toml").write_text(
        '[environments.production]\nrole = "production"\n'
        '[targets.cloud]\nkind = "remote"\nurl = "http://127.0.0.1:9"\nenvironment = "production"\n'
    )
    reports = tmp_path / "reports"
    ran = drill("-m", "drill", f"--drill-config={tmp_path / 'drill.toml'}", *words, reports=reports)
    assert ran.returncode not in (0, 1)
    assert sentence in ran.stdout + ran.stderr
    assert list(reports.glob("*")) == []


@pytest.fixture
def nothing_new(tmp_path, monkeypatch):
    """A folder with [backups.production], all of whose backups are proven."""
    night = tmp_path / "nights" / "night-1"
    night.mkdir(parents=True)
    with sqlite3.connect(night / "chroma.sqlite3") as db:
        db.execute("create table t(a)")
    (tmp_path / "drill.toml").write_text('[backups.production]\nsource = "nights"\n')
    monkeypatch.chdir(tmp_path)
    settings = load()
    (artefact,) = select(settings, "production").artefacts
    proven.remember(
        proven.log_beside(settings.monitoring.backup_journal), source="production",
        artefact=artefact.id, listing=manifest.files_of(night), outcome=Outcome.PASS,
        created_at=artefact.created_at,
    )  # fmt: skip
    return tmp_path


def test_drill_of_backups_of_which_none_is_new_is_done_as_prove_is(nothing_new):
    ran = run_command("drill", "--backup", "production", "--new", cwd=nothing_new)
    assert "Nothing new in" in ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list((nothing_new / "reports").glob("*")) == []


def test_tests_that_are_only_set_up_prove_nothing(tmp_path):
    ran = drill("-m", "gate", "--setup-only", "-k", "test_api_v1", reports=tmp_path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 error" not in ran.stdout
