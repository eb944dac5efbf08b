"""`chromadrill prove`: what a person types, and what a night's job reads."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import wait_until
from chromadrill.core.model import Scope
from tests.commands.run import exit_code, run_command
from tests.conftest import fill, filled_server

SCOPE = Scope()


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def settings(here, **tables):
    """drill.toml with these [backups.NAME]."""
    lines = []
    for name, table in tables.items():
        lines += [f"[backups.{name}]", *(f"{k} = {json.dumps(v)}" for k, v in table.items())]
    (here / "drill.toml").write_text("\n".join(lines) + "\n")


NIGHT = "echo night-1 2026-11-29T02:00:00Z"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 64, "Name one of your sources: bucket, tool"),
        (["buckt"], 64, "Did you mean 'bucket'"),
        (["no/such/backup"], 2, "does not exist"),
        (["tool"], 2, "no-such-tool is not there"),
        (["bucket", "--pick", "night-2"], 64, "Did you mean 'night-1'"),
        (["./bucket", "--new"], 64, "needs a source with a name"),
        (["--random", "-1"], 64, "--random"),
        (["lost"], 64, "[backups.lost] target = 'produktion': unknown target. Known"),
    ],
)
def test_what_cannot_be_proven_is_a_sentence_and_no_run(here, capsys, words, code, sentence):
    (here / "bucket").mkdir()
    settings(
        here,
        bucket={"source": "command", "list": NIGHT, "fetch": "true {id} {into}"},
        tool={"source": "command", "list": "no-such-tool", "fetch": "true {id} {into}"},
        lost={"source": "bucket", "target": "produktion"},
    )
    assert exit_code("prove", *words) == code
    assert sentence in capsys.readouterr().err
    assert not (here / "reports").exists()


@pytest.mark.slow  # a pytest of its own
def test_half_of_an_archive_is_not_called_fetched_and_the_page_is_named(here):
    (here / "x").write_bytes(os.urandom(300_000))
    with tarfile.open(here / "cut.tar.gz", "w:gz") as tar:
        tar.add(here / "x", arcname="x")
    os.truncate(here / "cut.tar.gz", 200_000)
    (here / "x").unlink()
    ran = run_command("prove", "cut.tar.gz", cwd=here)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "files are those of the manifest: 0 s, UNKNOWN" in ran.stdout
    assert ", done" not in ran.stdout
    (page,) = [one for one in ran.stdout.splitlines() if one.startswith("page: ")]
    assert (here / page.removeprefix("page: ")).is_file()
    assert sorted(entry.name for entry in here.iterdir()) == ["cut.tar.gz", "reports"]


def test_without_settings_it_says_what_to_type(here, capsys):
    assert exit_code("prove") == 64
    assert "chromadrill prove PATH" in capsys.readouterr().err


def test_list_that_hangs_is_ended(here, capsys):
    settings(
        here,
        bucket={
            "source": "command",
            "list": "sleep 60",
            "fetch": "true {id} {into}",
            "timeout_s": 0.3,
        },
    )
    assert exit_code("prove") == 2
    assert "did not end within 0.3 s" in capsys.readouterr().err


# ---- whole runs -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def production(tmp_path_factory):
    """A server that a client writes to, ten times a second: adds, updates and deletes."""
    with filled_server(tmp_path_factory.mktemp("production") / "home") as target:
        with Chroma(target.url) as chroma:
            fill(chroma, "stable", 2000)
        stopped = threading.Event()
        writer = threading.Thread(target=write, args=(target.url, stopped))
        writer.start()
        yield target
        stopped.set()
        writer.join()


def write(url, stopped):
    rng = np.random.default_rng(2)
    with Chroma(url) as chroma:
        info, number = chroma.collection(SCOPE, "docs"), 0
        while not stopped.wait(0.1):
            ids = [f"r{number % 3}", f"w{number}"]
            vectors = rng.normal(size=(2, 8)).astype(np.float32)
            chroma.upsert(info, ids=ids, vectors=vectors, documents=[f"text {number}"] * 2,
                          metadatas=[{"n": number}] * 2)  # fmt: skip
            if number % 5 == 4:
                chroma.delete(info, ids=[f"w{number - 2}"])
            number += 1


def frozen_copy(target, to):
    target.pause()
    try:
        shutil.copytree(target.data, to)
    finally:
        target.unpause()
    return to


def run(here, *words, code=0, **environment):
    ran = run_command(*words, cwd=here, environment=environment)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def record_of(here):
    record = max((here / "reports").glob("2*/drill.json"))
    return json.loads(record.read_text())


def proven_lines(here):
    return [json.loads(line) for line in (here / ".chromadrill/proven.jsonl").open()]


@pytest.mark.slow
def test_backup_of_a_server_in_use_is_proven_and_then_nothing_is_new(here, production):
    settings(here, production={"source": "nights", "target": production.url})
    run(here, "record", "--backup", "production")
    frozen_copy(production, here / "nights" / "night-1")
    # no recording after it: the live server is read, and that is kept
    text = run(here, "prove")
    assert "proven exactly" in text
    (scenario,) = record_of(here)["scenarios"]
    assert scenario["backup"]["artefact"] == "night-1"
    assert scenario["coverage"]["after"]["live"] is True
    assert 0.5 < scenario["coverage"]["share"] < 1
    checks = {verdict["check"]: verdict for verdict in scenario["verdicts"]}
    assert checks["recovery time"]["outcome"] == checks["data loss"]["outcome"] == "pass"
    assert checks["original"]["outcome"] == "pass"
    assert len(list((here / "recordings/production").iterdir())) == 2
    assert "Nothing new" in run(here, "prove", "production", "--new")
    (entry,) = proven_lines(here)
    assert entry["outcome"] == "pass"
    assert entry["recovery_s"] > 0
    # years later its recordings are gone: it is what was proven, and comes back
    shutil.rmtree(here / "recordings")
    settings(here, production={"source": "nights"})
    run(here, "prove", "production")
    (scenario,) = record_of(here)["scenarios"]
    assert scenario["verdicts"][1]["check"] == "same content"
    assert proven_lines(here)[1]["coverage"] == entry["coverage"]
    with (here / "nights/night-1/rot").open("w") as file:
        file.write("x")
    run(here, "prove", "production", code=2)


@pytest.mark.slow
def test_every_new_backup_is_proven_and_a_damaged_one_named(here, production):
    settings(here, production={"source": "nights", "target": production.url})
    run(here, "record", "--backup", "production")
    good = frozen_copy(production, here / "nights" / "night-1")
    bad = frozen_copy(production, here / "nights" / "night-2")
    shutil.rmtree(next(path for path in bad.iterdir() if path.is_dir()), ignore_errors=True)
    (bad / "chroma.sqlite3").write_bytes((good / "chroma.sqlite3").read_bytes()[:-8192])
    os.utime(bad / "chroma.sqlite3")
    text = run(here, "prove", "production", "--new", code=1)
    assert "NOT PROVEN" in text
    outcomes = {entry["artefact"]: entry["outcome"] for entry in proven_lines(here)}
    assert outcomes == {"night-1": "pass", "night-2": "fail"}, text


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("restic"), reason="restic is not installed")
def test_restic_repository_and_a_url_are_enough(here, production, tmp_path, monkeypatch):
    monkeypatch.setenv("RESTIC_PASSWORD", "correct horse battery")
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    restic = [shutil.which("restic"), "-q", "-r", str(tmp_path / "repository")]
    subprocess.run([*restic, "init"], check=True)
    settings(here, production={"source": f"restic:{tmp_path}/repository", "target": production.url})
    run(here, "record")
    production.pause()
    try:
        subprocess.run([*restic, "backup", str(production.data)], check=True)
    finally:
        production.unpause()
    run(here, "prove")
    (scenario,) = record_of(here)["scenarios"]
    phases = next(v for v in scenario["verdicts"] if v["check"] == "recovery time")["message"]
    assert "fetched" in phases
    assert "copied" not in phases
    monkeypatch.delenv("RESTIC_PASSWORD")
    assert "its password is wrong or missing" in run(here, "prove", code=2)


@pytest.mark.slow
def test_fetch_that_fails_is_unknown_and_leaves_nothing(here, tmp_path):
    settings(
        here,
        bucket={"source": "command", "list": NIGHT, "fetch": "sh -c 'cp -r /etc/ssl {into}' {id}"},
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    text = run(here, "prove", code=2, TMPDIR=str(scratch))
    assert "bucket's backup of" in text
    assert "could not tell" in text
    assert not list(scratch.iterdir())


@pytest.mark.slow
def test_run_that_was_killed_leaves_no_fetch_running_and_the_next_one_cleans_up(here, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fetch = f"sh -c 'echo $$ > {tmp_path}/pid; touch {{into}}/half; sleep 600' {{id}}"
    settings(here, bucket={"source": "command", "list": NIGHT, "fetch": fetch})
    environment = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        [sys.executable, "-m", "chromadrill", "prove"], cwd=here, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until(lambda: list(scratch.rglob("half")), within_s=60, name="the fetch")
    process.send_signal(signal.SIGKILL)
    process.wait()
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), within_s=10, name="the end of the fetch")
    assert list(scratch.rglob("half"))
    settings(here, bucket={"source": "command", "list": NIGHT, "fetch": "false {id} {into}"})
    run(here, "prove", code=2, TMPDIR=str(scratch))
    assert not list(scratch.iterdir())
