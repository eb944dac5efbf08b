"""The record is built from the ledger, and never greener than it."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from chromadrill.core.redaction import MASK, redact_folder, secrets_of
from chromadrill.evidence import record
from chromadrill.evidence.finish import is_complete
from chromadrill.evidence.ledger import Ledger, read
from chromadrill.evidence.report.markdown import markdown

VERDICT = {"check": "recovery time", "actual": 3.0, "limit": 300, "unit": "s", "message": "3 s"}


@pytest.fixture
def ledger(tmp_path):
    """An open run that requires RB-2."""
    events_file = Ledger(tmp_path / "evidence.jsonl")
    events_file.write("run started", run_id="r1", target={"name": "process"}, versions={"python": "3"},
               required=["RB-2"])  # fmt: skip
    return events_file


def scenario(ledger, *outcomes, error=None, finish=True):
    ledger.write("scenario started", scenario="s", runbook="RB-2", title="s")
    ledger.write("phase finished", scenario="s", name="given", seconds=0.1, status="passed")
    for outcome in outcomes:
        ledger.write("verdict", scenario="s", verdict={**VERDICT, "outcome": outcome})
    if finish:
        ledger.write("scenario finished", scenario="s", error=error)


def build(ledger, *, finish=True):
    if finish:
        ledger.write("run finished", exit_status=0)
    built = record.build_record(ledger.path)
    jsonschema.validate(built, json.loads(record.JSON_SCHEMA.read_text()))
    return built


def test_green_run_is_pass_and_fits_the_schema(ledger):
    scenario(ledger, "pass", "not_run")
    assert build(ledger)["outcome"] == "pass"


def test_one_fail_is_fail(ledger):
    scenario(ledger, "pass", "fail", "unknown")
    assert build(ledger)["outcome"] == "fail"


def test_scenario_without_verdicts_is_unknown(ledger):
    scenario(ledger)
    assert build(ledger)["outcome"] == "unknown"


def test_crashed_scenario_is_unknown(ledger):
    scenario(ledger, "pass", error="KeyError: 'x'")
    assert build(ledger)["outcome"] == "unknown"


def test_scenario_that_did_not_end_is_unknown(ledger):
    scenario(ledger, "pass", finish=False)
    assert build(ledger)["outcome"] == "unknown"


def test_run_cut_short_is_unknown(ledger):
    scenario(ledger, "pass")
    with ledger.path.open("ab") as file:
        file.write(b'{"event": "verd')
    assert build(ledger, finish=False)["outcome"] == "unknown"


def test_empty_run_and_required_scenario_that_did_not_run_are_unknown(ledger):
    built = build(ledger)
    assert built["outcome"] == "unknown"
    assert built["not_covered"] == ["RB-2: required, and no scenario of it was run"]


def test_run_that_left_out_a_scenario_of_what_is_required_is_unknown_and_incomplete(ledger):
    ledger.write("left out", scenario="other", runbook="RB-2")
    ledger.write("left out", scenario="export", runbook="RB-4")
    scenario(ledger, "pass")
    built = build(ledger)
    assert built["outcome"] == "unknown"
    assert built["not_covered"] == [
        "RB-2: required, and other was left out",
        "export: left out of this drill by its options",
    ]
    assert not is_complete(built)


def test_skipped_required_scenario_is_named_and_unknown(ledger):
    ledger.write("scenario started", scenario="s", runbook="RB-2", title="s")
    ledger.write("not covered", scenario="s", why="no capability 'volume'")
    built = build(ledger)
    assert built["outcome"] == "unknown"
    assert "s: no capability 'volume'" in built["not_covered"]


def test_failed_contract_test_makes_the_record_red(ledger):
    scenario(ledger, "pass")
    ledger.write("test failed", test="suites/contract", error="x")
    assert build(ledger)["outcome"] == "fail"


def test_seal_hashes_every_file_and_is_written_last(ledger, tmp_path):
    scenario(ledger, "pass")
    path = record.seal(tmp_path, build(ledger))
    sealed = json.loads(path.read_text())
    jsonschema.validate(sealed, json.loads(record.JSON_SCHEMA.read_text()))
    assert [file["path"] for file in sealed["artifacts"]] == ["evidence.jsonl"]


def test_markdown_says_the_outcome_and_every_check(ledger):
    scenario(ledger, "pass", "fail")
    text = markdown(build(ledger))
    assert "NOT PROVEN" in text
    assert "3.0 s of 300 s" in text


def test_secret_of_the_environment_reaches_no_file(tmp_path):
    secrets = secrets_of([("CHROMA_TOKEN", "canary-secret-123"), ("HOME", "/root-is-no-secret")])
    (tmp_path / "a.xml").write_text("<x>canary-secret-123</x> /root-is-no-secret")
    redact_folder(tmp_path, secrets)
    assert (tmp_path / "a.xml").read_bytes() == b"<x>" + MASK + b"</x> /root-is-no-secret"


def test_ledger_redacts_as_it_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("RAILWAY_TOKEN", "canary-secret-123")
    Ledger(tmp_path / "l").write("x", said="Bearer canary-secret-123")
    assert b"canary" not in (tmp_path / "l").read_bytes()


def test_path_that_is_no_utf8_is_written_out_and_the_ledger_goes_on(ledger):
    path = Path(os.fsdecode(b"/backups/sicherung-\xfc"))
    ledger.write("backup", scenario="s", id=str(path), words=[path, {str(path): 1.5}])
    scenario(ledger, "pass")
    backup = read(ledger.path)[1]
    assert backup["id"] == r"/backups/sicherung-\udcfc"
    assert backup["words"] == [backup["id"], {backup["id"]: 1.5}]
    assert build(ledger)["outcome"] == "pass"
