"""One scenario of the record: what was done, seen and judged, from its events in the ledger.

Seconds are differences of the monotonic clock (`t`): the UTC of an event (`at`) is set anew by NTP.
"""

from __future__ import annotations

from typing import Any

from chromadrill.core.clock import parse_time
from chromadrill.core.model import JSON, Outcome
from chromadrill.evidence.next_steps import next_step
from chromadrill.evidence.own_backups import coverage_of, missing_recordings, recovery_phases

EXAMPLES = 10  # of a difference, in the record; all of them are in the ledger


def scenario_of(started: JSON, events: list[JSON]) -> JSON:
    """The record of the scenario that `started` opens; `events` are the whole run's."""
    mine = [e for e in events if e.get("scenario") == started["scenario"]]
    verdicts = [plain_verdict(e["verdict"]) for e in mine if e["event"] == "verdict"]
    finished = [e for e in mine if e["event"] == "scenario finished"]
    outcomes = [Outcome(verdict["outcome"]) for verdict in verdicts]
    if not finished or finished[-1]["error"]:
        outcomes.append(Outcome.UNKNOWN)  # cut short or crashed
    error = finished[-1]["error"] if finished else "the scenario did not end"
    begun = started.get("t")
    return {
        "id": started["scenario"],
        "runbook": started["runbook"],
        "title": started["title"],
        "outcome": str(Outcome.merge(outcomes)),
        "started_at": started.get("at"),
        "recovery_time_s": _last(mine, "recovered", "seconds"),
        "proven_time_s": _last(mine, "proven", "seconds"),
        "records": max((e["records"] for e in mine if e["event"] == "compared"), default=0),
        "error": error,
        "phases": _phases(mine, begun),
        "verdicts": verdicts,
        "disaster": _disaster(mine),
        "backup": _backup(mine),
        "production_origin": _origin(mine),
        "coverage": coverage_of(mine),
        "missing_recordings": missing_recordings(mine),
        "recovery_phases": recovery_phases(mine),
        "strike_s": _seconds(begun, _last(mine, "fault injected", "t")),
        # the time of a backup of the user's own is made of parts, and ends at no one moment
        "recovered_s": None
        if _last(mine, "recovered", "phases")
        else _seconds(begun, _last(mine, "recovered", "t")),
        "client": _windows(mine, begun),
        "load": _load(mine),
        "prober": _last(mine, "probe results", "prober"),
        "commands": [
            {key: e.get(key) for key in ("command", "exit_code", "seconds")}
            for e in mine
            if e["event"] == "command"
        ],
        "next_step": next_step(verdicts, error),
        "log_tail": _last(mine, "log tail", "text"),
    }


def plain_verdict(raw: JSON) -> JSON:
    """A verdict of the ledger as the record has it."""
    keys = ("check", "outcome", "actual", "limit", "unit", "message")
    return {
        **{key: raw[key] for key in keys},
        "differences": [_difference(difference) for difference in raw.get("differences") or ()],
    }


def _difference(raw: JSON) -> JSON:
    ids = list(raw.get("ids") or ())
    return {
        "collection": raw.get("collection"),
        "field": raw.get("field"),
        "kind": raw.get("kind"),
        "count": len(ids) + (raw.get("more") or 0) or 1,
        "ids": ids[:EXAMPLES],
        "before": raw.get("before"),
        "after": raw.get("after"),
        "examples": list(raw.get("examples") or ())[:EXAMPLES],
    }


def _phases(mine: list[JSON], begun: float | None) -> list[JSON]:
    """Phases in the order of their starts. The ledger has their ends, and an inner phase ends first."""
    begins = {e["name"]: _seconds(begun, e.get("t")) for e in mine if e["event"] == "phase started"}
    phases = [
        {
            "name": e["name"],
            "seconds": e["seconds"],
            "start_s": begins.get(e["name"]),
            "status": e.get("status", "passed"),
        }
        for e in mine
        if e["event"] == "phase finished"
    ]
    return sorted(phases, key=lambda phase: phase["start_s"] or 0.0)


def _disaster(mine: list[JSON]) -> JSON | None:
    sighting = next((e for e in reversed(mine) if e["event"] == "seen"), None)
    injection = next((e for e in mine if e["event"] == "fault injected"), None)
    if injection is None:
        return None
    return {
        "name": injection["disaster"],
        "what": injection["what"],
        "seen": sighting and sighting.get("seen"),
        "seen_after_s": sighting and sighting.get("seen_after_s"),
    }


def _backup(mine: list[JSON]) -> JSON | None:
    backup = next((e for e in reversed(mine) if e["event"] == "backup"), None)
    if backup is None:
        return None
    return {
        key: backup.get(key)
        for key in (
            "id",
            "method",
            "created_at",
            "bytes",
            "original",
            "newest_file_at",
            "source",
            "artefact",
        )
    }


def _origin(mine: list[JSON]) -> bool | None:
    """Whether the backup is production's; None where nobody said. A drill's own backup never is.

    A scenario that was cut short before it named its backup says nothing either.
    """
    backups = [e for e in mine if e["event"] == "backup"]
    if not backups and not any(e["event"] == "scenario finished" for e in mine):
        return None
    origin = backups[-1].get("production_origin", False) if backups else False
    return origin if isinstance(origin, bool) else None


def _windows(mine: list[JSON], begun: float | None) -> list[JSON]:
    """What the client saw, in seconds from the scenario's start."""
    probe_results = next((e for e in reversed(mine) if e["event"] == "probe results"), None)
    if probe_results is None or begun is None or "t" not in probe_results:
        return []
    # the windows are UTC of the moment in which they were written down, which both clocks name
    zero = parse_time(probe_results["at"]).timestamp() - probe_results["t"] + begun
    return [
        {
            "from_s": round(window["from"] - zero, 3),
            "to_s": round(window["to"] - zero, 3),
            "result": window["result"],
        }
        for window in probe_results.get("windows") or ()
    ]


def _load(mine: list[JSON]) -> JSON | None:
    """What a load run beside the scenario measured; its raw samples lie in the run's folder."""
    result = _last(mine, "clients", "result")
    if not result:
        return None
    keys = ("profile", "outcome", "scheduled", "samples", "outcomes", "p50_ms", "p90_ms", "p99_ms",
            "max_ms", "service_p50_ms", "service_p90_ms", "windows")  # fmt: skip
    return {key: result.get(key) for key in keys}


def _last(mine: list[JSON], event: str, key: str) -> Any:
    return next((e.get(key) for e in reversed(mine) if e["event"] == event), None)


def _seconds(begun: float | None, then: float | None) -> float | None:
    return None if begun is None or then is None else round(then - begun, 3)
