"""One NaN vector, or a collection without segments, is named and does not keep the rest at home."""

import json
import os
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from chromadrill.backups.detect import open_existing
from chromadrill.backups.export import damaged_records
from chromadrill.backups.export.damaged_records import find_damage
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import Scope
from chromadrill.drill.backup_proof import prove
from chromadrill.targets.process.target import ProcessTarget
from tests.commands.run import exit_code


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A server with a NaN vector (chroma 7420), and a collection without segments (chroma 3474)."""
    target = ProcessTarget(tmp_path_factory.mktemp("damaged") / "home", owner=os.getpid())
    target.start()
    vectors = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    with Chroma(target.url) as chroma:
        for name in ("sick", "sound", "wreck"):
            chroma.upsert(
                chroma.create_collection(Scope(), name),
                ids=[f"{name}-{n}" for n in range(20)],
                vectors=vectors,
                documents=[f"text {n} of {name}" for n in range(20)],
                metadatas=[{"n": n % 3} for n in range(20)],
            )
    target.stop()
    broken = np.array([1, np.nan, 3], np.float32).tobytes()
    with target.volume() as data, closing(sqlite3.connect(data / "chroma.sqlite3")) as db:
        db.execute("UPDATE embeddings_queue SET vector = ? WHERE id = 'sick-7'", (broken,))
        db.execute(
            "DELETE FROM segments WHERE collection IN"
            " (SELECT id FROM collections WHERE name = 'wreck')"
        )
        db.commit()
    target.start()
    yield target
    target.remove()


@pytest.fixture(autouse=True)
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("DRILL_MONITORING__BACKUP_JOURNAL", str(tmp_path / "journal"))
    return tmp_path / "journal"


def test_backup_names_what_is_damaged_and_the_command_that_helps(target, tmp_path, capsys):
    file = tmp_path / "e.jsonl"
    assert exit_code("backup", "--all", "--url", target.url, "--output-file", str(file)) == 2
    message = capsys.readouterr().err
    assert "'sick-7'" in message
    assert "wreck" in message
    assert "--skip-damaged" in message
    assert "clients write" not in message
    assert not file.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["e.jsonl", "folder"])
def test_rest_is_exported_where_asked_for_and_is_never_pass(
    target, empty, tmp_path, capsys, name, journal
):
    file = tmp_path / name
    words = ("backup", "--all", "--url", target.url, "--output-file", str(file))
    assert exit_code(*words, "--skip-damaged", "--json") == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["outcome"] == "unknown"
    assert "sick-7" in answer["verdicts"][0]["message"]
    assert {one["name"]: one["count"] for one in answer["collections"]} == {"sick": 19, "sound": 20}
    assert '"good": true' not in journal.read_text().replace('":t', '": t')
    listed = file.read_text() if file.is_file() else (file / "manifest.json").read_text()
    assert "left_out" in listed
    assert "sick-7" in listed

    assert exit_code("restore", "--url", empty.url, "--input-file", str(file), "--json") == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["outcome"] == "unknown"
    assert answer["left_out"]["records"]["default_tenant/default_database/sick"].keys() == {
        "sick-7"
    }
    assert "partial" in answer["verdicts"][-1]["message"]
    assert "wreck" in answer["verdicts"][-1]["message"]
    with Chroma(empty.url) as chroma:
        counts = {info.name: chroma.count(info) for info in chroma.collections(Scope())}
    assert counts == {"sick": 19, "sound": 20}


@pytest.mark.slow
def test_partial_export_is_never_proven(target, tmp_path):
    file = tmp_path / "e.jsonl"
    words = ("backup", "--all", "--url", target.url, "--output-file", str(file))
    assert exit_code(*words, "--skip-damaged") == 2
    verdicts = prove(open_existing(file, tmp_path)).verdicts
    unknown = [verdict for verdict in verdicts if verdict.outcome != "pass"]
    assert [verdict.outcome for verdict in unknown] == ["unknown"]
    assert "'sick-7'" in unknown[0].message


def test_sound_collection_alone_is_whole_with_and_without_the_option(target, tmp_path):
    words = ("backup", "--collection-name", "sound", "--url", target.url, "--output-file")
    assert exit_code(*words, str(tmp_path / "a.jsonl")) == 0
    assert exit_code(*words, str(tmp_path / "b.jsonl"), "--skip-damaged") == 0


def test_what_looks_damaged_for_a_moment_is_not_damaged(target, monkeypatch):
    look, looks = damaged_records._damaged_records, []

    def see_a_delete_on_its_way(chroma, info):
        if info.name == "sound":
            looks.append(info.name)
            return {"sound-3": "has no vector"} if len(looks) == 1 else {}
        return look(chroma, info)

    monkeypatch.setattr(damaged_records, "_damaged_records", see_a_delete_on_its_way)
    with Chroma(target.url) as chroma:
        damage = find_damage(chroma, chroma.collections(Scope()))
    assert len(looks) == 2
    home = "default_tenant/default_database"
    assert damage.records == {f"{home}/sick": {"sick-7": "has a vector that holds NaN or infinity"}}
    assert list(damage.collections) == [f"{home}/wreck"]


def test_damage_that_shows_in_two_ways_is_damage(target, monkeypatch):
    look, looks = damaged_records._damaged_records, []

    def fail_once(chroma, info):
        looks.append(info.name)
        if looks.count("sick") == 2:
            raise CallFailed("POST query", 500, "internal error")
        return look(chroma, info)

    monkeypatch.setattr(damaged_records, "_damaged_records", fail_once)
    with Chroma(target.url) as chroma:
        sick = chroma.collection(Scope(), "sick")
        assert "internal error" in find_damage(chroma, [sick]).collections[sick.key]
        looks[:] = ["sick"]
        assert list(find_damage(chroma, [sick]).records[sick.key]) == ["sick-7"]


def test_collection_that_was_dropped_meanwhile_is_not_damaged(target):
    with Chroma(target.url) as chroma:
        gone = chroma.create_collection(Scope(), "gone")
        chroma.delete_collection(Scope(), "gone")
        assert not find_damage(chroma, [gone])


def test_validation_names_the_record_that_is_not_finite(target, capsys):
    words = ("validate", "--url", target.url, "--collection-name", "sick", "--json")
    assert exit_code(*words) == 1
    failed = [v for v in json.loads(capsys.readouterr().out)["verdicts"] if v["outcome"] == "fail"]
    assert failed[0]["check"] == "records"
    assert "'sick-7'" in failed[0]["message"]
