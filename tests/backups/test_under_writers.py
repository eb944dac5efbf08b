"""`ops snapshot` and `backup --between` while clients write: kept, with what of it is proven."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from chromadrill.backups import volume_copy
from chromadrill.backups.export import between, exporter
from chromadrill.backups.export.formats import is_export, open_export
from chromadrill.backups.hot_copy.methods import HOT_COPY_METHODS
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
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


@pytest.fixture
def busy(lab, monkeypatch):
    """`busy(module, name)`: clients, who write at least once after that function has read."""

    def busy(module, name):
        clients = BusyClients(lab.url)
        clients.write_after(monkeypatch, module, name)
        return clients

    return busy


def snapshot(capsys, *more):
    return enter(capsys, "ops", "--target", "lab", "snapshot", *more)


def test_snapshot_under_writers_is_kept_and_says_its_coverage(lab, busy, capsys):
    with busy(volume_copy, "read_before"):
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


def test_snapshot_under_writers_prints_its_id_alone_and_the_coverage_beside_it(lab, busy, capsys):
    with busy(volume_copy, "read_before"):
        ended = snapshot(capsys, "--name", "night")
    assert (ended.code, ended.out) == (0, "night\n"), ended.err
    assert "night, taken while clients wrote: " in ended.err
    assert "records proven exactly" in ended.err


def test_snapshot_under_writers_comes_back_as_exactly_what_was_copied(lab, busy, capsys):
    with busy(volume_copy, "read_before"):
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


# ---- backup --between ---------------------------------------------------------------------------
def backup(capsys, server, file, *more):
    return enter(capsys, "backup", "--url", server.url, "--all", "--output-file", file, *more)


@pytest.mark.parametrize("name", ["night.jsonl.zst", "night.json", "night"])
def test_export_under_writers_is_kept_with_its_coverage_and_can_be_restored(
    lab, capsys, tmp_path, name
):
    with BusyClients(lab.url):
        ended = backup(capsys, lab, tmp_path / name, "--between", "--json")
    assert ended.code == 0, ended.err
    coverage = ended.answer["coverage"]
    assert ended.outcomes == {"coverage": "pass"}
    assert coverage["share"] > 0.8
    assert coverage["collections"]["default_tenant/default_database/docs"]["proven"] >= STABLE
    assert open_export(tmp_path / name).about["coverage"] == coverage
    with Chroma(lab.url) as chroma:
        chroma.delete_collection(Scope(), "docs")
        chroma.delete_collection(Scope(), "calm")
    restored = enter(capsys, "restore", "--url", lab.url, "--input-file", tmp_path / name, "--json")
    assert restored.code == 0, restored.text
    assert "taken while clients wrote: " in restored.answer["notes"][0]


def test_export_of_one_collection_to_parquet_is_kept_with_its_coverage(lab, capsys, tmp_path):
    file = tmp_path / "docs.parquet"
    with BusyClients(lab.url):
        ended = enter(capsys, "backup", "--url", lab.url, "--collection-name", "docs",
                      "--output-file", file, "--between")  # fmt: skip
    assert ended.code == 0, ended.err
    assert "records proven exactly" in ended.out
    assert open_export(file).about["coverage"]["share"] > 0.8


def test_export_under_writers_is_refused_without_between_and_says_how_it_is_kept(
    lab, busy, capsys, tmp_path
):
    file = tmp_path / "night.jsonl"
    with busy(exporter, "_fingerprint"):
        ended = backup(capsys, lab, file)
    assert (ended.code, file.exists()) == (2, False)
    assert "--between" in ended.err


def test_export_between_without_writers_proves_every_record(lab, capsys, tmp_path):
    ended = backup(capsys, lab, tmp_path / "night.jsonl", "--between", "--json")
    assert (ended.code, ended.answer["coverage"]["share"]) == (0, 1.0)


def test_export_that_lacks_a_stable_record_is_not_kept(lab, capsys, tmp_path, monkeypatch):
    pages_by_id = between.pages_by_id

    def without_one(chroma, info):
        for page in pages_by_id(chroma, info):
            yield page.rows([row for row, id_ in enumerate(page.ids) if id_ != "stable-7"])

    monkeypatch.setattr(between, "pages_by_id", without_one)
    file = tmp_path / "night.jsonl"
    with BusyClients(lab.url):
        ended = backup(capsys, lab, file, "--between")
    assert (ended.code, file.exists()) == (2, False)
    assert "stable-7" in ended.err


def test_collection_that_is_dropped_meanwhile_is_left_out_of_the_export(
    lab, capsys, tmp_path, monkeypatch
):
    pages_by_id = between.pages_by_id

    def after_a_drop(chroma, info):
        if info.name == "calm":
            chroma.delete_collection(Scope(), "calm")
        return pages_by_id(chroma, info)

    monkeypatch.setattr(between, "pages_by_id", after_a_drop)
    ended = backup(capsys, lab, tmp_path / "night", "--between", "--json")
    assert ended.code == 0, ended.err
    assert [one["name"] for one in ended.answer["collections"]] == ["docs"]
    assert ended.answer["coverage"]["collections"]["default_tenant/default_database/calm"]["moved"]


def test_too_little_proven_is_kept_and_unknown(lab, capsys, tmp_path, monkeypatch):
    pages_by_id = between.pages_by_id

    def while_all_is_written_again(chroma, info):
        if info.name == "docs":
            ids = [f"stable-{n}" for n in range(STABLE)]
            vectors = np.random.default_rng(9).normal(size=(STABLE, 8)).astype(np.float32)
            chroma.upsert(info, ids=ids, vectors=vectors)
        return pages_by_id(chroma, info)

    monkeypatch.setattr(between, "pages_by_id", while_all_is_written_again)
    file = tmp_path / "night.jsonl"
    ended = backup(capsys, lab, file, "--between", "--json")
    assert (ended.code, file.exists(), ended.outcomes) == (2, True, {"coverage": "unknown"})


def test_snapshot_by_export_under_writers_says_its_coverage_too(lab, busy, capsys):
    with busy(exporter, "_fingerprint"):
        ended = snapshot(capsys, "--method", "export", "--json")
    assert ended.code == 0, ended.err
    assert ended.answer["coverage"]["share"] > 0.8


def test_export_as_a_hot_copy_is_of_one_instant_or_none(lab, busy, tmp_path):
    export = HOT_COPY_METHODS["export"]
    with busy(exporter, "_fingerprint"), pytest.raises(Unavailable, match="--between"):
        export.copy(lab, tmp_path / "torn")
    assert not (tmp_path / "torn").exists()
    assert is_export(export.copy(lab, tmp_path / "quiet"))
