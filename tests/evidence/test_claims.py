"""Whatever is altered in drill.json alone is found, and a record of another version is none altered."""

import json
import re

import pytest

from chromadrill.evidence import hash_chain, record
from chromadrill.evidence.claims import RULES
from chromadrill.evidence.ledger import Ledger
from tests.evidence.sealed_runs import edit, outcomes_of, run


@pytest.fixture
def folder(tmp_path):
    return run(tmp_path, "run-1")


FORGED = {
    "operator": "another", "witness": "another", "approver": "another", "trigger": "schedule",
    "target": {"name": "t", "environment": "production"}, "versions": {"chromadb": "1.9.9"},
    "started_at": "2031-01-01T00:00:00.000Z", "required": ["RB-2"], "not_covered": ["x"],
    "failed_tests": [], "cleanup": {"status": "done", "detail": "x"},
    "exceptions": ["x"], "embedder": {"name": "x", "weights_sha256": None},
}  # fmt: skip


@pytest.mark.parametrize("key", FORGED)
def test_whatever_is_edited_in_the_record_alone_is_caught_by_the_ledger(folder, key):
    ledger = Ledger(folder / "evidence.jsonl")
    ledger.write("test failed", test="t", error="x")
    record.seal(folder, record.build_record(ledger.path))
    assert outcomes_of(hash_chain.verify(folder))["rederived"] == "pass"
    edit(folder, **{key: FORGED[key]})
    verdict = hash_chain.verify(folder)[-1]
    assert (verdict.outcome, verdict.message.startswith(key)) == ("fail", True), verdict


@pytest.mark.parametrize(
    ("key", "value"),
    [("runbook", "RB-8"), ("title", "monthly drill"), ("records", 9_000_000), ("backup", {"id": "x"}),
     ("production_origin", True), ("coverage", {"share": 1.0}), ("error", "x"), ("strike_s", 3.0),
     ("phases", [{"name": "x", "seconds": 1.0}]), ("proven_time_s", 0.1)],
)  # fmt: skip
def test_edited_fact_of_a_scenario_is_caught_by_the_ledger(tmp_path, key, value):
    folder = run(tmp_path, "ours", rules=RULES)
    scenarios = json.loads((folder / "drill.json").read_bytes())["scenarios"]
    scenarios[0][key] = value
    edit(folder, scenarios=scenarios)
    verdict = hash_chain.verify(folder)[-1]
    assert verdict.check == "schema" or verdict.message.startswith(f"scenarios[0].{key}"), verdict
    assert verdict.outcome == "fail"


@pytest.mark.parametrize("key", ["message", "differences"])
def test_edited_words_of_a_verdict_are_caught_by_the_ledger(folder, key):
    scenarios = json.loads((folder / "drill.json").read_bytes())["scenarios"]
    difference = {"field": "record", "kind": "missing", "count": 3}
    scenarios[0]["verdicts"][0][key] = {"message": "fine", "differences": [difference]}[key]
    edit(folder, scenarios=scenarios)
    assert outcomes_of(hash_chain.verify(folder))["rederived"] == "fail"


@pytest.mark.parametrize(
    "key", ["records_compared", "records_lost", "recovery_time_s", "downtime_s"]
)
def test_edited_figure_of_the_summary_is_caught_by_the_ledger(tmp_path, key):
    folder = run(tmp_path, "ours", rules=RULES)
    summary = json.loads((folder / "drill.json").read_bytes())["summary"]
    edit(folder, summary={**summary, key: 0.4})
    verdict = hash_chain.verify(folder)[-1]
    assert (verdict.outcome, key in verdict.message) == ("fail", True)


def test_moment_by_the_other_clock_is_the_same_and_a_second_is_not(tmp_path):
    folder = run(tmp_path, "ours", rules=RULES)
    ledger = Ledger(folder / "evidence.jsonl")
    ledger.write("fault injected", scenario="s", disaster="d", what="w")
    record.seal(folder, record.build_record(ledger.path))
    scenarios = json.loads((folder / "drill.json").read_bytes())["scenarios"]
    for apart_s, outcome in ((0.01, "pass"), (1.0, "fail")):
        edit(folder, scenarios=[{**scenarios[0], "strike_s": scenarios[0]["strike_s"] + apart_s}])
        assert outcomes_of(hash_chain.verify(folder))["rederived"] == outcome


def test_many_edits_are_five_and_a_number(folder):
    edit(folder, **FORGED)
    assert re.fullmatch(r"(.+; ){5}and \d+ more", hash_chain.verify(folder)[-1].message)


def test_record_of_an_earlier_release_is_whole_without_the_fields_and_by_the_rules_of_today(folder):
    built = json.loads((folder / "drill.json").read_bytes())
    for key in ("failed_tests", "sources", "fleet", "subject"):
        del built[key]
    del built["scenarios"][0]["recovery_phases"]
    built["scenarios"][0] |= {"strike_s": 1.0, "next_step": {"meaning": "m", "command": "c"}}
    built["scenarios"][0]["a field that was given up"] = "x"
    built["summary"] |= {"downtime_s": 1.0}
    (folder / "drill.json").write_text(json.dumps(built))
    assert outcomes_of(hash_chain.verify(folder))["rederived"] == "pass"
