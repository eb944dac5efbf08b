"""`drill.json`: the record of a run, distilled from its ledger alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from chromadrill.evidence.ledger import read
from chromadrill.model import JSON, Outcome

SCHEMA = "chromadrill/drill/1"
JSON_SCHEMA = Path(__file__).with_name("drill.schema.json")
RECORD = "drill.json"


def distil(ledger: Path) -> JSON:
    """The record of the ledger's run, without artifacts (they are hashed last)."""
    events = read(ledger)
    opened: JSON = next((e for e in events if e["event"] == "run started"), {})
    closed: JSON = next((e for e in reversed(events) if e["event"] == "run finished"), {})
    skipped = {e["scenario"] for e in events if e["event"] == "not covered"}
    scenarios = [
        _scenario(e, events)
        for e in events
        if e["event"] == "scenario started" and e["scenario"] not in skipped
    ]
    not_covered = [f"{e['scenario']}: {e['why']}" for e in events if e["event"] == "not covered"]
    outcomes = [Outcome(each["outcome"]) for each in scenarios]
    # contract tests judge by asserting; the record must not be greener than they are
    outcomes += [Outcome.FAIL for e in events if e["event"] == "test failed"]
    outcome = Outcome.merge(outcomes)
    facts: JSON = next((e["facts"] for e in events if e["event"] == "target"), {})
    filled: JSON = next(
        (e["embedder"] for e in events if e["event"] == "target"),
        {"name": "none", "weights_sha256": None},
    )
    gaps = _gaps(opened.get("required", []), scenarios)
    if gaps:
        not_covered += gaps
        outcome = Outcome.merge([outcome, Outcome.UNKNOWN])
    if not closed:
        outcome = Outcome.merge([outcome, Outcome.UNKNOWN])  # cut short: never green
    return {
        "schema": SCHEMA,
        "run_id": opened.get("run_id", "unknown"),
        "outcome": str(outcome),
        "target": {**opened.get("target", {}), **facts},
        "versions": opened.get("versions", {}),
        "started_at": opened.get("at"),
        "finished_at": closed.get("at") or (events[-1]["at"] if events else None),
        "scenarios": scenarios,
        "embedder": filled,
        "required": list(opened.get("required", [])),
        "not_covered": sorted(set(not_covered)),
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


def _scenario(started: JSON, events: list[JSON]) -> JSON:
    mine = [e for e in events if e.get("scenario") == started["scenario"]]
    phases = [
        {"name": e["name"], "seconds": e["seconds"]} for e in mine if e["event"] == "phase finished"
    ]
    verdicts: list[JSON] = [_verdict(e["verdict"]) for e in mine if e["event"] == "verdict"]
    recovery = [e["seconds"] for e in mine if e["event"] == "recovered"]
    proven = [e["seconds"] for e in mine if e["event"] == "proven"]
    finished = [e for e in mine if e["event"] == "scenario finished"]
    outcomes = [Outcome(each["outcome"]) for each in verdicts]
    if not finished or finished[-1]["error"]:
        outcomes.append(Outcome.UNKNOWN)  # cut short or crashed
    return {
        "id": started["scenario"],
        "runbook": started["runbook"],
        "title": started["title"],
        "outcome": str(Outcome.merge(outcomes)),
        "recovery_time_s": recovery[-1] if recovery else None,
        "proven_time_s": proven[-1] if proven else None,
        "records": max((e["records"] for e in mine if e["event"] == "compared"), default=0),
        "error": finished[-1]["error"] if finished else "the scenario did not end",
        "phases": phases,
        "verdicts": verdicts,
    }


def _verdict(raw: JSON) -> JSON:
    keys = ("check", "outcome", "actual", "limit", "unit", "message")
    return {key: raw[key] for key in keys}


def _gaps(required: list[str], scenarios: list[Any]) -> list[str]:
    judged = {each["runbook"] for each in scenarios}
    return [
        f"{each}: required, and no scenario of it was run"
        for each in required
        if each not in judged
    ]
