"""`ops snapshot` and `backup --between` while clients write: kept, with what of it is proven."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chromadrill.backups import volume_copy
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.backups.busy_clients import STABLE, BusyClients, fill
from tests.front_door import enter

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A server `lab` of drill.toml, with records that clients write to and others."""
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    target.start()
    fill(target.url)
    (tmp_path / "drill.toml").write_text('[targets.lab]\nkind = "process"\nhome = "home"\n')
    monkeypatch.chdir(tmp_path)
    yield target
    target.remove()


def snapshot(capsys, *more):
    return enter(capsys, "ops", "--target", "lab", "snapshot", *more)


def test_snapshot_under_writers_is_kept_and_says_its_coverage(lab, capsys):
    with BusyClients(lab.url):
        ended = snapshot(capsys, "--json")
    assert ended.code == 0, ended.err
    coverage = ended.answer["coverage"]
    assert coverage["share"] > 0.8
    docs = coverage["collections"]["default_tenant/default_database/docs"]
    assert docs["proven"] >= STABLE
    assert docs["moved"] > 0
    assert docs["unexplained"] == 0
    manifest = json.loads((Path(ended.answer["path"]) / "manifest.json").read_text())
    assert manifest["coverage"] == coverage
    assert coverage["before"]["taken_at"] < manifest["created_at"]


def test_snapshot_under_writers_prints_its_id_alone_and_the_coverage_beside_it(lab, capsys):
    with BusyClients(lab.url):
        ended = snapshot(capsys, "--name", "night")
    assert (ended.code, ended.out) == (0, "night\n"), ended.err
    assert "night, taken while clients wrote: " in ended.err
    assert "records proven exactly" in ended.err


def test_snapshot_under_writers_comes_back_as_exactly_what_was_copied(lab, capsys):
    with BusyClients(lab.url):
        assert snapshot(capsys, "--name", "night").code == 0
    lab.stop()
    lab.restore("night")
    lab.start()
    ended = enter(capsys, "validate", "--url", lab.url, "--all", "--json",
                  "--fingerprint", lab.home / "snapshots/night/fingerprint")  # fmt: skip
    assert ended.code == 0, ended.out


def test_snapshot_without_writers_says_nothing_of_coverage(lab, capsys):
    ended = snapshot(capsys, "--json")
    assert ended.code == 0
    assert "coverage" not in ended.answer
    assert "clients" not in ended.err


def test_a_stable_record_that_the_copy_lacks_is_refused_while_clients_write(
    lab, capsys, monkeypatch
):
    copy_stopped = volume_copy._copy_stopped

    def copy_with_a_loss(target, to, pool):
        start = copy_stopped(target, to, pool)
        with closing(sqlite3.connect(to / "chroma.sqlite3")) as database, database:
            database.execute("delete from embeddings where embedding_id = 'stable-7'")
        return start

    monkeypatch.setattr(volume_copy, "_copy_stopped", copy_with_a_loss)
    with BusyClients(lab.url):
        ended = snapshot(capsys, "--name", "torn")
    assert ended.code == 2
    assert "Nor can clients have made it so: " in ended.err
    assert not (lab.home / "snapshots/torn").exists()
    with Chroma(lab.url) as chroma:  # it runs again
        assert chroma.count(chroma.collection(Scope(), "calm")) == 50
