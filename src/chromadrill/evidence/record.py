"""`drill.json`: the record of a run, made from its ledger alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from chromadrill.core.clock import utc_now
from chromadrill.core.files import write_atomic
from chromadrill.core.model import JSON, Outcome
from chromadrill.core.redaction import redact, secrets_of
from chromadrill.evidence.ledger import read
from chromadrill.evidence.next_steps import fill_placeholders
from chromadrill.evidence.own_backups import fleet_of, next_step_of, sources_of
from chromadrill.evidence.scenario import plain_verdict, scenario_of
from chromadrill.evidence.subject import subject_of
from chromadrill.evidence.summary import summary_of

SCHEMA = "chromadrill/drill/1"
JSON_SCHEMA = Path(__file__).with_name("drill.schema.json")
RECORD = "drill.json"
FORECAST = ("text", "records", "rows", "measured", "source")


def build_record(ledger: Path) -> JSON:
    """The record of the ledger's run, without artifacts (they are hashed last)."""
    return record_of(read(ledger))


def record_of(events: list[JSON]) -> JSON:
    """The record of a run's events."""
    started: JSON = next((e for e in events if e["event"] == "run started"), {})
    finished: JSON = next((e for e in reversed(events) if e["event"] == "run finished"), {})
    target: JSON = next((e for e in events if e["event"] == "target"), {})
    skipped = {e["scenario"] for e in events if e["event"] == "not covered"}
    scenarios = [
        scenario_of(e, events)
        for e in events
        if e["event"] == "scenario started" and e["scenario"] not in skipped
    ]
    sources = sources_of(events, scenarios)
    for scenario in scenarios:
        scenario["next_step"] = fill_placeholders(
            next_step_of(scenario, sources),
            started.get("target", {}).get("name"),
            target.get("facts", {}).get("url"),
        )
    not_covered = [f"{e['scenario']}: {e['why']}" for e in events if e["event"] == "not covered"]
    outcomes = [Outcome(scenario["outcome"]) for scenario in scenarios]
    # contract tests judge by asserting; the record must not be greener than they are
    outcomes += [Outcome.FAIL for e in events if e["event"] == "test failed"]
    outcomes += [Outcome.UNKNOWN for e in events if e["event"] == "collection failed"]
    trend = [plain_verdict(v) for e in events if e["event"] == "trend" for v in e["verdicts"]]
    if started.get("trend_fails"):
        outcomes += [Outcome.FAIL for verdict in trend if verdict["outcome"] == "fail"]
    outcome = Outcome.merge(outcomes)
    required: list[str] = list(started.get("required", []))
    left_out = [e for e in events if e["event"] == "left out"]
    not_covered += [
        f"{e['scenario']}: left out of this drill by its options"
        for e in left_out
        if e["runbook"] not in required
    ]
    gaps = _gaps(required, scenarios, left_out)
    if gaps or not finished:  # a part left out, or cut short: never green
        not_covered += gaps
        outcome = Outcome.merge([outcome, Outcome.UNKNOWN])
    return {
        "schema": SCHEMA,
        "run_id": started.get("run_id", "unknown"),
        "outcome": str(outcome),
        "subject": subject_of(scenarios, started.get("at")),
        "trigger": started.get("trigger"),
        "operator": started.get("operator"),
        "witness": started.get("witness"),
        "approver": started.get("approver"),
        "target": {**started.get("target", {}), **target.get("facts", {})},
        "versions": started.get("versions", {}),
        "rules": started.get("rules"),
        "started_at": started.get("at"),
        "finished_at": finished.get("at") or (events[-1]["at"] if events else None),
        "summary": {**summary_of(scenarios), "forecast": _forecast(events)},
        "objectives": started.get("objectives", []),
        "scenarios": scenarios,
        "sources": sources,
        "fleet": fleet_of(events, scenarios),
        "embedder": _embedder(events, target),
        "required": required,
        "not_covered": sorted(set(not_covered)),
        "failed_tests": failed_tests(events),
        "contacts": started.get("contacts", []),
        "exceptions": started.get("exceptions", []),
        "remediation": started.get("remediation", []),
        "trend": trend,
        "cleanup": finished.get("cleanup", {"status": "failed", "detail": "the run did not end"}),
        "provenance": {**started.get("provenance", {}), "generated_at": utc_now()},
        "previous_run_id": started.get("previous_run_id"),
        "previous_record_sha256": started.get("previous_record_sha256"),
        "artifacts": [],
    }


def failed_tests(events: list[JSON]) -> list[JSON]:
    """Tests that are no scenario and failed, and files of tests that could not be read."""
    return [
        {"test": e["test"], "error": e["error"]}
        for e in events
        if e["event"] in ("test failed", "collection failed")
    ]


def seal(folder: Path, record: JSON) -> Path:
    """Hash every file of the run and write `drill.json`, the last file of a run; secrets are masked."""
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
    write_atomic(path, redact(orjson.dumps(record, option=orjson.OPT_INDENT_2), secrets_of()))
    return path


def _forecast(events: list[JSON]) -> JSON | None:
    """The last one: of the sizes that [forecast] names, where there is one."""
    event = next((e for e in reversed(events) if e["event"] == "forecast"), None)
    return event and {key: event[key] for key in FORECAST if key in event}


def _embedder(events: list[JSON], target: JSON) -> JSON:
    """A real model where a scenario used one, else what made the dataset's vectors."""
    used = next((e for e in events if e["event"] == "embedder"), None)
    if used is None:
        return dict(target.get("embedder", {"name": "none", "weights_sha256": None}))
    return {"name": used["name"], "weights_sha256": used["weights_sha256"]}


def _gaps(required: list[str], scenarios: list[Any], left_out: list[JSON]) -> list[str]:
    """What is required and was not run; each begins with its runbook id."""
    drilled = {scenario["runbook"] for scenario in scenarios}
    gaps = [
        f"{runbook}: required, and no scenario of it was run"
        for runbook in required
        if runbook not in drilled
    ]
    return gaps + [
        f"{e['runbook']}: required, and {e['scenario']} was left out"
        for e in left_out
        if e["runbook"] in required and e["runbook"] in drilled
    ]
