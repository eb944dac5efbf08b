"""Backup posture: all that can be wrong with the backups, and the one state that is right."""

import dataclasses
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.backups.posture import folder_store, restic_store
from chromadrill.backups.posture.last_drill import read_restore
from chromadrill.checks import posture
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import BackupStore, Outcome, Plan, ProvenRestore, Schedule, StoreEntry

NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
DAILY, WEEKLY = Plan("daily", "02:00", 7), Plan("weekly", None, 28)
PROOF = ProvenRestore("railway", "run-1", Outcome.PASS, 20.0, "2026-06-20T04:00:00Z", "staging")


def backups_of(*days, size=50, method=""):
    """Backups of 02:00 UTC so many days ago, of `size` bytes each."""
    at = NOW.replace(hour=2)
    return tuple(
        StoreEntry(f"b{n}", (at - timedelta(days=n)).isoformat(), size, method) for n in days
    )


WHOLE = BackupStore("store", backups_of(*range(8)))
RAILWAY = BackupStore(
    "Railway", backups_of(0, 1), (Schedule("daily", "02:00", 6), Schedule("weekly", "03:17", 30)),
    used_bytes=60, size_bytes=100, fixed="Railway",
)  # fmt: skip


def outcomes(store, *plans, proven=PROOF, kind="railway"):
    verdicts = posture.judge(
        store, plans, now=NOW, may_lose_s=86_400, restore_limit_s=300, proven=proven, kind=kind
    )
    return {verdict.check: verdict for verdict in verdicts}


def test_store_as_the_plan_wants_it_passes():
    verdicts = outcomes(WHOLE, DAILY).values()
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}


def test_limits_of_the_platform_are_named_and_can_be_accepted():
    retention = outcomes(RAILWAY, DAILY, WEEKLY)["daily retention"]
    assert retention.outcome is Outcome.FAIL
    assert "kept 6 days, wanted 7; Railway fixes the retention" in retention.message
    assert "keep_days = 6" in retention.message
    accepted = outcomes(RAILWAY, Plan("daily", "02:00", 6), WEEKLY)
    assert Outcome.merge(verdict.outcome for verdict in accepted.values()) is Outcome.PASS
    late = dataclasses.replace(RAILWAY, schedules=(Schedule("daily", "03:17", 6),))
    hour = outcomes(late, DAILY)["daily hour"]
    assert hour.outcome is Outcome.FAIL
    assert "03:17 UTC, wanted 02:00; Railway fixes the hour" in hour.message


def store_with(**changes):
    return dataclasses.replace(WHOLE, **changes)


@pytest.mark.parametrize(
    ("store", "check", "outcome"),
    [
        (store_with(backups=()), "newest backup", Outcome.FAIL),
        (store_with(backups=backups_of(2, 3)), "newest backup", Outcome.FAIL),
        (store_with(backups=backups_of(-2)), "newest backup", Outcome.UNKNOWN),
        (store_with(schedules=()), "daily schedule", Outcome.FAIL),
        (store_with(schedules=(Schedule("weekly", None, None),)), "daily schedule", Outcome.FAIL),
        (store_with(schedules=(Schedule("daily", None, None),)), "daily hour", Outcome.UNKNOWN),
        (store_with(schedules=(Schedule("daily", None, None),)), "daily retention", Outcome.PASS),
        (store_with(backups=backups_of(0, 1, 4, 5, 6, 7)), "daily schedule", Outcome.FAIL),
        (store_with(backups=backups_of(0)), "daily schedule", Outcome.UNKNOWN),
        (store_with(backups=backups_of(0, 1, 2)), "daily retention", Outcome.UNKNOWN),
        (store_with(backups=backups_of(0, size=0)), "size", Outcome.FAIL),
        (store_with(backups=backups_of(0, size=9) + backups_of(1, 2)), "size", Outcome.FAIL),
        (store_with(used_bytes=200), "size", Outcome.FAIL),
        (store_with(size_bytes=40), "size", Outcome.FAIL),
        (store_with(backups=backups_of(0)), "size", Outcome.UNKNOWN),
        (store_with(backups=backups_of(0, size=None)), "size", Outcome.UNKNOWN),
    ],
)
def test_backups_that_are_not_as_they_should_be_are_named(store, check, outcome):
    assert outcomes(store, DAILY)[check].outcome is outcome


def test_hour_is_that_of_the_backups_where_no_platform_says_it():
    assert outcomes(WHOLE, Plan("daily", "14:00", 7))["daily hour"].outcome is Outcome.FAIL
    assert outcomes(WHOLE, Plan("daily", "01:30", 7))["daily hour"].outcome is Outcome.PASS
    midnight = store_with(backups=(StoreEntry("x", "2026-06-29T23:50:00Z", 1),))
    assert outcomes(midnight, Plan("daily", "00:10", 7))["daily hour"].outcome is Outcome.PASS
    elsewhere = store_with(backups=(StoreEntry("x", "2026-06-30T04:00:00+02:00", 1),))
    assert outcomes(elsewhere, DAILY)["daily hour"].outcome is Outcome.PASS


def test_no_plan_proves_nothing():
    assert outcomes(WHOLE)["schedule"].outcome is Outcome.UNKNOWN


def proof_with(**changes):
    return dataclasses.replace(PROOF, **changes)


@pytest.mark.parametrize(
    ("proof", "outcome", "reason"),
    [
        (None, Outcome.UNKNOWN, "no drill has proven"),
        (proof_with(kind="process"), Outcome.UNKNOWN, "for a process, not for a railway"),
        (proof_with(seconds=301), Outcome.FAIL, "301.0 s of 300 s"),
        (proof_with(outcome=Outcome.FAIL), Outcome.FAIL, "not every restore in it passed"),
        (proof_with(outcome=Outcome.UNKNOWN), Outcome.UNKNOWN, "not every restore in it passed"),
        (proof_with(at="2020-01-01T00:00:00Z"), Outcome.UNKNOWN, "the last 35 count"),
        (proof_with(at="2026-07-01T00:00:00Z"), Outcome.UNKNOWN, "the last 35 count"),
        (proof_with(simulated=True), Outcome.UNKNOWN, "simulated platform"),
        (proof_with(seconds=None), Outcome.UNKNOWN, "no restore in it was timed"),
        (PROOF, Outcome.PASS, "20.0 s of 300 s, in run run-1 (staging), 10 days ago"),
    ],
)
def test_restore_in_time_is_what_a_late_and_whole_drill_of_this_kind_has_proven(
    proof, outcome, reason
):
    verdict = outcomes(WHOLE, DAILY, proven=proof)["restore in time"]
    assert verdict.outcome is outcome
    assert reason in verdict.message


def test_simulated_drill_proves_the_simulated_platform():
    verdict = posture.restorable(proof_with(simulated=True), 300, "railway", NOW, simulated=True)
    assert verdict.outcome is Outcome.PASS


def scenario(runbook, outcome, seconds):
    return {"runbook": runbook, "outcome": outcome, "recovery_time_s": seconds}


def record(folder, *rows, **target):
    """A record of a run in `folder`; returns the folder."""
    content = {"run_id": "r", "target": {"kind": "railway", **target}, "scenarios": rows,
               "finished_at": "2026-06-20T04:00:00Z"}  # fmt: skip
    (folder / "drill.json").write_text(json.dumps(content))
    return folder


def test_record_of_a_drill_says_how_long_its_slowest_proven_restore_took(tmp_path):
    rows = [scenario("RB-2", "pass", 5), scenario("RB-8", "pass", 9), scenario("RB-1", "fail", 99),
            scenario("RB-2", "pass", None)]  # fmt: skip
    assert read_restore(record(tmp_path, *rows, environment="staging")) == proof_with(
        run="r", seconds=9
    )
    simulated = read_restore(record(tmp_path, *rows, platform="simulated"))
    assert simulated.simulated
    assert simulated.environment is None


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_restore_that_did_not_pass_is_not_hidden_by_one_that_did(tmp_path, outcome):
    rows = [scenario("RB-2", outcome, 900), scenario("RB-8", "pass", 9)]
    assert read_restore(record(tmp_path, *rows)).outcome == outcome


def test_what_is_no_record_of_a_restore_proves_nothing(tmp_path):
    assert read_restore(record(tmp_path, scenario("RB-1", "pass", 9))) is None
    assert read_restore(tmp_path / "none") is None
    for text in ("[]", "5", '{"scenarios": [], "target": 5}', "x"):
        (tmp_path / "drill.json").write_text(text)
        assert read_restore(tmp_path) is None


def test_folder_is_read_by_times_and_sizes_of_what_is_a_backup(tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "chroma.sqlite3").write_bytes(b"x" * 30)
    (tmp_path / "all.parquet").write_bytes(b"PAR1xyz")
    (tmp_path / ".partial").write_bytes(b"x")
    os.utime(tmp_path / "all.parquet", (1_000_000_000, 1_000_000_000))
    backups = {backup.id: backup for backup in folder_store.store(tmp_path).backups}
    assert backups.keys() == {"copy", "all.parquet"}
    assert backups["copy"].bytes == 30
    assert backups["all.parquet"].created_at == "2001-09-09T01:46:40.000Z"
    with pytest.raises(Unavailable, match="No such file"):
        folder_store.store(tmp_path / "none")


def test_export_is_compared_with_exports_and_a_copy_with_copies(tmp_path):
    for at, (name, head, size) in enumerate(
        [
            ("old.jsonl", b'{"head":', 90),
            ("new.jsonl", b'{"head":', 80),
            ("new.parquet", b"PAR1", 9),
        ]
    ):
        (tmp_path / name).write_bytes(head.ljust(size, b"x"))
        os.utime(tmp_path / name, (1_000_000_000 + at, 1_000_000_000 + at))
    first = posture.size(folder_store.store(tmp_path))
    assert first.outcome is Outcome.UNKNOWN
    assert "no export .parquet backup before it" in first.message
    (tmp_path / "new.parquet").unlink()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "chroma.sqlite3").write_bytes(b"x" * 1000)
    os.utime(tmp_path / "copy" / "chroma.sqlite3", (1_000_000_000, 1_000_000_000))
    assert posture.size(folder_store.store(tmp_path)).outcome is Outcome.PASS


def test_what_is_no_backup_is_not_counted_as_one(tmp_path):
    for name in ("README.txt", "restore.sh", "notes.json", "empty.parquet"):
        (tmp_path / name).write_text("hello " * 50)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "photo").write_bytes(b"x")
    store = folder_store.store(tmp_path)
    assert store.backups == ()
    assert "5 that are no backups left out" in store.where
    assert outcomes(store, DAILY)["newest backup"].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "content",
    ["{}", "x", '{"schema": "chromadrill/backup/1"}',
     '{"schema": "chromadrill/backup/1", "id": "x", "created_at": "yesterday", "bytes": 5}',
     '{"schema": "chromadrill/backup/1", "id": "x", "created_at": "2026-01-01T00:00:00", "bytes": 5}',
     '{"schema": "chromadrill/backup/1", "id": "x", "created_at": 5, "bytes": null}'],
)  # fmt: skip
def test_manifest_that_cannot_be_read_is_a_sentence(tmp_path, content):
    (tmp_path / "one" / "data").mkdir(parents=True)
    (tmp_path / "one" / "fingerprint").touch()
    (tmp_path / "one" / "manifest.json").write_text(content)
    with pytest.raises(Unavailable, match=r"manifest\.json"):
        folder_store.store(tmp_path)


@pytest.mark.parametrize("content", ["{}", '{"name": "My app", "icons": []}', "x"])
def test_manifest_of_somebody_else_is_no_backup(tmp_path, content):
    (tmp_path / "website").mkdir()
    (tmp_path / "website" / "manifest.json").write_text(content)
    assert folder_store.store(tmp_path).backups == ()


def test_copies_made_at_one_time_are_no_schedule(tmp_path):
    at = NOW.replace(hour=2)
    copies = [StoreEntry(f"b{n}", (at + timedelta(minutes=n)).isoformat(), 50) for n in range(8)]
    verdict = outcomes(store_with(backups=tuple(copies)), DAILY)["daily schedule"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert "1 times in 7 days: too few" in verdict.message


@pytest.mark.slow  # restic spends half a second of processor time on the password, each time
@pytest.mark.skipif(not shutil.which("restic"), reason="restic is not here: apt-get install restic")
def test_restic_repository_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTIC_PASSWORD", "canary-restic")
    repository, data = str(tmp_path / "repository"), tmp_path / "data"
    data.mkdir()
    (data / "chroma.sqlite3").write_bytes(b"x" * 5000)

    def run(*args):
        command = [shutil.which("restic"), "-r", repository, "-q", *args]
        subprocess.run(command, check=True, cwd=tmp_path)

    run("init")
    assert restic_store.store(repository).backups == ()
    run("backup", "data", "--time", "2026-06-29 02:00:00")
    run("backup", "data", "--time", "2026-06-30 02:00:00")
    newest = restic_store.store(repository).backups[-1]
    assert newest.bytes == 5000
    assert newest.created_at.startswith("2026-06-30T02:00:00")
    with pytest.raises(Unavailable, match="is not there"):
        restic_store.store(str(tmp_path / "none"))

    other = tmp_path / "home"
    other.mkdir()
    (other / "photo").write_bytes(b"x" * 9)
    run("backup", "home", "--tag", "laptop", "--time", "2026-07-01 02:00:00")
    with pytest.raises(Unavailable, match=r"snapshots of several paths: .*/data; .*/home"):
        restic_store.store(repository)
    by_path = restic_store.store(f"{repository}#{data}")
    assert [backup.bytes for backup in by_path.backups] == [5000, 5000]
    assert str(data) in by_path.where
    by_tag = restic_store.store(f"{repository}#laptop")
    assert [backup.bytes for backup in by_tag.backups] == [9]
    assert restic_store.store(f"{repository}#chroma").backups == ()
    with pytest.raises(UsageError, match="a tag or an absolute path"):
        restic_store.store(f"{repository}#")


@pytest.mark.parametrize(
    ("output", "reason"),
    [("null", None), ("[]", None),
     ("[null]", "not a list of snapshots"), ("5", "not a list of snapshots"),
     ('[{"short_id": "a", "time": "yesterday", "paths": ["/d"]}]', "not a list of snapshots"),
     ("oops", "no JSON")],
)  # fmt: skip
def test_whatever_restic_prints_is_a_store_or_a_sentence(tmp_path, monkeypatch, output, reason):
    fake_restic(tmp_path, monkeypatch, f"cat <<'E'\n{output}\nE\n")
    if reason is None:
        assert restic_store.store("r").backups == ()
        return
    with pytest.raises(Unavailable, match=reason):
        restic_store.store("r")


def test_repository_of_several_hosts_is_no_store_of_one(tmp_path, monkeypatch):
    rows = [
        {"short_id": host, "time": "2026-06-30T02:00:00Z", "paths": ["/srv"], "hostname": host}
        for host in ("production", "staging")
    ]
    fake_restic(
        tmp_path,
        monkeypatch,
        f"case \"$*\" in *stats*) echo '{{\"total_size\": 5}}';; *) echo '{json.dumps(rows)}';; esac",
    )
    with pytest.raises(Unavailable, match="several hosts: production; staging"):
        restic_store.store("r")
    assert restic_store.store("r#host=production").where == "restic r (host production)"


def test_password_of_a_restic_repository_is_in_no_message(tmp_path, monkeypatch):
    repository = "rest:https://user:canary-restic@host/repo"
    fake_restic(tmp_path, monkeypatch, "echo '[]'\n")
    assert (
        restic_store.store(repository).where
        == "restic rest:https://user:**********@host/repo (empty)"
    )
    fake_restic(tmp_path, monkeypatch, 'echo "cannot open $2" >&2; exit 1\n')
    with pytest.raises(Unavailable, match="cannot open rest:https") as failure:
        restic_store.store(repository)
    assert "canary-restic" not in str(failure.value)
    fake_restic(tmp_path, monkeypatch, 'echo "no JSON $2"\n')
    with pytest.raises(Unavailable, match="no JSON") as failure:
        restic_store.store(repository)
    assert "canary-restic" not in str(failure.value)


def fake_restic(folder, monkeypatch, script):
    """A restic that does what `script` says."""
    (folder / "restic").write_text(f"#!/bin/sh\n{script}")
    (folder / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
