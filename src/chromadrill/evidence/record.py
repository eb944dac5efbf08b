"""`drill.json`: the record of a run, distilled from its ledger alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from chromadrill.core.clock import utc_now
from chromadrill.core.model import JSON, Outcome
from chromadrill.evidence.ledger import read
from chromadrill.evidence.next_steps import fill_placeholders
from chromadrill.evidence.scenario import plain_verdict, scenario_of
from chromadrill.evidence.summary import summary_of

SCHEMA = "chromadrill/drill/1"
JSON_SCHEMA = Path(__file__).with_name("drill.schema.json")
RECORD = "drill.json"


def build_record(ledger: Path) -> JSON:
    """The record of the ledger's run, without artifacts (they are hashed last)."""
    return record_of(read(ledger))


def record_of(events: list[JSON]) -> JSON:
    """The record of a run's events."""
    opened: JSON = next((e for e in events if e["event"] == "run started"), {})
    closed: JSON = next((e for e in reversed(events) if e["event"] == "run finished"), {})
    target: JSON = next((e for e in events if e["event"] == "target"), {})
    skipped = {e["scenario"] for e in events if e["event"] == "not covered"}
    scenarios = [
        scenario_of(e, events)
        for e in events
        if e["event"] == "scenario started" and e["scenario"] not in skipped
    ]
    for each in scenarios:
        each["next_step"] = fill_placeholders(
            each["next_step"],
            opened.get("target", {}).get("name"),
            target.get("facts", {}).get("url"),
        )
    not_covered = [f"{e['scenario']}: {e['why']}" for e in events if e["event"] == "not covered"]
    outcomes = [Outcome(each["outcome"]) for each in scenarios]
    # contract tests judge by asserting; the record must not be greener than they are
    outcomes += [Outcome.FAIL for e in events if e["event"] == "test failed"]
    trend = [plain_verdict(v) for e in events if e["event"] == "trend" for v in e["verdicts"]]
    if opened.get("trend_fails"):
        outcomes += [Outcome.FAIL for each in trend if each["outcome"] == "fail"]
    outcome = Outcome.merge(outcomes)
    gaps = _gaps(opened.get("required", []), scenarios)
    if gaps or not closed:  # a part left out, or cut short: never green
        not_covered += gaps
        outcome = Outcome.merge([outcome, Outcome.UNKNOWN])
    return {
        "schema": SCHEMA,
        "run_id": opened.get("run_id", "unknown"),
        "outcome": str(outcome),
        "trigger": opened.get("trigger"),
        "operator": opened.get("operator"),
        "witness": opened.get("witness"),
        "approver": opened.get("approver"),
        "target": {**opened.get("target", {}), **target.get("facts", {})},
        "versions": opened.get("versions", {}),
        "started_at": opened.get("at"),
        "finished_at": closed.get("at") or (events[-1]["at"] if events else None),
        "summary": summary_of(scenarios),
        "objectives": opened.get("objectives", []),
        "scenarios": scenarios,
        "embedder": _embedder(events, target),
        "required": list(opened.get("required", [])),
        "not_covered": sorted(set(not_covered)),
        "contacts": opened.get("contacts", []),
        "exceptions": opened.get("exceptions", []),
        "remediation": opened.get("remediation", []),
        "trend": trend,
        "cleanup": closed.get("cleanup", {"status": "failed", "detail": "the run did not end"}),
        "provenance": {**opened.get("provenance", {}), "generated_at": utc_now()},
        "previous_run_id": opened.get("previous_run_id"),
        "previous_record_sha256": opened.get("previous_record_sha256"),
        "artifacts": [],
    }


def seal(folder: Path, record: JSON) -> Path:
    """Hash every file of the run and write `drill.json`, the last file of a run."""
    record["artifacts"] = [
        {
            "path": path.relative_to(folder).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != RECORD
    ]
    path = folder / RECORD
    path.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    return path


def _embedder(events: list[JSON], target: JSON) -> JSON:
    """A real model where a scenario used one, else what made the dataset's vectors."""
    used = next((e for e in events if e["event"] == "embedder"), None)
    if used is None:
        return dict(target.get("embedder", {"name": "none", "weights_sha256": None}))
    return {"name": used["name"], "weights_sha256": used["weights_sha256"]}


def _gaps(required: list[str], scenarios: list[Any]) -> list[str]:
    judged = {each["runbook"] for each in scenarios}
    return [
        f"{each}: required, and no scenario of it was run"
        for each in required
        if each not in judged
    ]
