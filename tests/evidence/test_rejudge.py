"""Old ledgers are judged again without a server, by their own limits or by others."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from chromadrill.evidence import record
from chromadrill.evidence.ledger import read
from chromadrill.evidence.rejudge import rejudge
from tests.commands.run import run_command

LEDGERS = Path(__file__).parent / "ledgers"
GREEN, RED = LEDGERS / "nine-scenarios-green.jsonl", LEDGERS / "too-slow-red.jsonl"


def report(*args):
    return run_command("report", *args)


@pytest.fixture
def run(tmp_path):
    """The folder of an old green run."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(GREEN, folder / "evidence.jsonl")
    return folder


@pytest.mark.parametrize(("ledger", "outcome"), [(GREEN, "pass"), (RED, "fail")])
def test_old_ledger_is_judged_as_it_was(ledger, outcome):
    judged = record.build_record(ledger)
    jsonschema.validate(judged, json.loads(record.JSON_SCHEMA.read_text()))
    assert [scenario["outcome"] for scenario in judged["scenarios"]].count(outcome) >= 1
    assert judged["outcome"] == outcome


def test_tighter_limit_makes_an_old_run_red_and_names_both_limits():
    events = rejudge(read(GREEN), {"rb2_recovery_s": 5.0})
    judged = record.record_of(events)
    red = [s for s in judged["scenarios"] if s["outcome"] == "fail"]

    assert judged["outcome"] == "fail"
    assert {scenario["runbook"] for scenario in red} == {"RB-2"}
    message = next(v["message"] for v in red[0]["verdicts"] if v["outcome"] == "fail")
    assert "of 5 s (judged anew; the limit was 300 s)" in message


def test_wider_limit_makes_a_run_green_that_was_only_too_slow():
    judged = record.record_of(rejudge(read(RED), {"rb1_recovery_s": 600.0}))
    verdicts = [v for s in judged["scenarios"] for v in s["verdicts"]]
    assert all(v["outcome"] in ("pass", "not_run") for v in verdicts)


@pytest.mark.parametrize(
    "verdict",
    [
        {"outcome": "fail", "actual": None, "limit": 300},
        {"outcome": "unknown", "actual": None, "limit": 300},
        {"outcome": "fail", "actual": 3.0, "limit": 300},
        {"outcome": "not_run", "actual": 3.0, "limit": 300},
    ],
)
def test_wider_limit_heals_nothing_that_failed_for_another_reason(verdict):
    events = [
        {"event": "scenario started", "scenario": "s", "runbook": "RB-2"},
        {
            "event": "verdict",
            "scenario": "s",
            "verdict": {"check": "recovery time", "message": "m", "unit": "s", **verdict},
        },
    ]
    assert rejudge(events, {"rb2_recovery_s": 9999.0}) == events


def test_acknowledged_writes_of_a_restart_have_no_limit_to_widen():
    lost = {"check": "data loss", "outcome": "fail", "message": "m", "actual": 3.0, "limit": 0.0,
            "unit": "s"}  # fmt: skip
    events = [
        {"event": "scenario started", "scenario": "s", "runbook": "RB-1"},
        {"event": "verdict", "scenario": "s", "verdict": lost},
    ]
    assert rejudge(events, {"data_loss_s": 9999.0}) == events
    events[0]["runbook"] = "RB-2"
    assert rejudge(events, {"data_loss_s": 9999.0})[1]["verdict"]["outcome"] == "pass"


@pytest.mark.parametrize("check", ["downtime", "wrong answers"])
@pytest.mark.parametrize(
    ("seen", "before", "limit", "after"),
    [
        ({"error": 5.0, "unwatched": 100.0}, "pass", 60.0, "unknown"),
        ({"error": 5.0, "unwatched": 100.0}, "pass", 110.0, "pass"),
        ({"error": 5.0, "unwatched": 100.0}, "pass", 4.0, "fail"),
        ({"error": 5.0, "unwatched": 100.0}, "fail", 60.0, "unknown"),
        ({"error": 5.0, "right": 100.0}, "pass", 60.0, "pass"),
        ({"error": 5.0, "right": 100.0}, "fail", 60.0, "pass"),
        (None, "pass", 60.0, "unknown"),
        (None, "pass", 400.0, "pass"),
        (None, "fail", 60.0, "unknown"),
        (None, "pass", 4.0, "fail"),
    ],
)
def test_time_in_which_nobody_looked_counts_by_another_limit_too(check, seen, before, limit, after):
    verdict = {"check": check, "outcome": before, "message": "m", "actual": 5.0, "unit": "s",
               "limit": 300.0 if before == "pass" else 3.0}  # fmt: skip
    events = [
        {"event": "scenario started", "scenario": "s", "runbook": "RB-2"},
        *([{"event": "client view", "scenario": "s", "seconds": seen}] if seen else []),
        {"event": "verdict", "scenario": "s", "verdict": verdict},
    ]
    judged = rejudge(events, {"downtime_s": limit, "wrong_answers_s": limit})[-1]["verdict"]
    assert (judged["outcome"], judged["limit"]) == (after, limit)


def test_report_command_judges_by_another_toml_and_writes_elsewhere(run, tmp_path):
    limits = tmp_path / "strict.toml"
    limits.write_text("[objectives]\nrb4_recovery_s = 1\n")
    before = (run / "evidence.jsonl").read_bytes()
    ran = report(run, "--objectives", limits, "--output", tmp_path / "again")

    assert ran.returncode == 1, ran.stderr
    assert {file.name for file in (tmp_path / "again").iterdir()} == {
        "report.md", "report.html", "drill.json",
    }  # fmt: skip
    assert "NOT PROVEN" in (tmp_path / "again" / "report.html").read_text()
    assert [file.name for file in run.iterdir()] == ["evidence.jsonl"]
    assert (run / "evidence.jsonl").read_bytes() == before
    assert report(run).returncode == 0


def test_folder_that_was_altered_is_no_proof_whatever_its_ledger_says(run, tmp_path):
    sealed = record.build_record(run / "evidence.jsonl")
    record.seal(run, sealed)
    assert report(run).returncode == 0
    with (run / "evidence.jsonl").open("a") as ledger:
        ledger.write('{"event": "note", "at": "2026-01-01T00:00:00.000Z", "t": 1}\n')
    ran = report(run, "--output", tmp_path / "again")

    assert ran.returncode == 1
    assert "altered since it was sealed" in ran.stderr
    page = (tmp_path / "again" / "report.html").read_text()
    assert "EVIDENCE ALTERED" in page
    assert "RESTORE PROVEN" not in page + ran.stdout


@pytest.mark.parametrize("proof_of_a_seal", ["report.html", "history.jsonl"])
def test_run_whose_seal_was_removed_is_not_proven(run, proof_of_a_seal):
    if proof_of_a_seal == "report.html":
        (run / "report.html").write_text("RESTORE PROVEN")
    else:
        name = record.build_record(run / "evidence.jsonl")["run_id"]
        (run.parent / "history.jsonl").write_text(json.dumps({"run_id": name}) + "\n")
    ran = report(run)
    assert (ran.returncode, "there is no drill.json" in ran.stderr) == (2, True), ran.stderr
    assert "RESTORE PROVEN" not in ran.stdout


def test_seal_that_leads_nowhere_is_no_seal(run):
    (run / "drill.json").symlink_to("nowhere")
    ran = report(run)
    assert (ran.returncode, "altered since it was sealed" in ran.stderr) == (1, True), ran.stderr


@pytest.mark.parametrize("line", ["5", "null", '{"event": 7}', '{"event": "scenario started"}'])
def test_line_that_is_no_event_is_a_sentence_and_never_green(run, line):
    first, *rest = (run / "evidence.jsonl").read_text().splitlines()
    (run / "evidence.jsonl").write_text("\n".join([first, line, *rest]))
    ran = report(run)
    assert (ran.returncode, "Unexpected error" in ran.stderr) == (2, False), ran.stderr


def test_old_record_is_never_overwritten(run):
    ran = report(run, "--output", run / "again")
    assert ran.returncode == 1
    assert "stays as it is" in ran.stderr
    assert [file.name for file in run.iterdir()] == ["evidence.jsonl"]


def test_check_of_a_folder_without_its_record_fails(run):
    ran = report(run, "--check")
    assert ran.returncode == 1
    assert "no drill.json" in ran.stdout
