"""Judge an old ledger by other limits: what was measured stays, the objectives are new."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from chromadrill.core.model import JSON, Outcome, Verdict

# which objective limits which check; recovery has one for each runbook id
_OBJECTIVES = {
    "startup": "startup_s",
    "collection creation": "collection_creation_s",
    "data loss": "data_loss_s",
    "search p90": "search_p90_ms",
    "search p90 cold": "search_p90_ms",
    "search p90 warm": "search_p90_ms",
    "downtime": "downtime_s",
    "wrong answers": "wrong_answers_s",
    "filtered search p90": "search_p90_ms",
    "get by id p90": "search_p90_ms",
    "every search": "query_ms",
    "every filtered search": "query_ms",
    "every get by id": "query_ms",
    "cold first query": "query_ms",
    "upsert p90": "upsert_p90_ms",
    "embedding p90": "embedding_p90_ms",
}


def rejudge(events: list[JSON], objectives: Mapping[str, float]) -> list[JSON]:
    """The same events with verdicts on limits judged anew; all others stay as they were.

    A verdict that failed for another reason than its limit (never recovered, void because the data
    was not proven) is not made better by a wider one.
    """
    runbooks = {e["scenario"]: e["runbook"] for e in events if e["event"] == "scenario started"}
    return [
        {**e, "verdict": _verdict(e["verdict"], runbooks.get(e.get("scenario"), ""), objectives)}
        if e["event"] == "verdict"
        else e
        for e in events
    ]


def objective_of(check: str, runbook: str) -> str:
    """The key in `[objectives]` that limits a check, "" where none does."""
    if check == "recovery time":
        return f"{runbook.lower().replace('-', '')}_recovery_s"
    if check == "data loss" and runbook == "RB-1":
        return ""  # no acknowledged write may be lost, whatever the objectives say
    return _OBJECTIVES.get(check, "")


def _verdict(raw: JSON, runbook: str, objectives: Mapping[str, float]) -> JSON:
    limit = objectives.get(objective_of(raw["check"], runbook))
    actual, was = raw["actual"], raw["limit"]
    if limit is None or actual is None or was is None or raw["outcome"] not in ("pass", "fail"):
        return raw
    if (raw["outcome"] == "fail") != (actual > was):
        return raw  # it failed for another reason
    good = actual <= limit
    unit = raw["unit"]
    judged = Verdict(
        raw["check"],
        Outcome.PASS if good else Outcome.FAIL,
        f"{actual:g} {unit} of {limit:g} {unit} (judged anew; the limit was {was:g} {unit})",
    )
    return {**raw, **{k: str(v) for k, v in dataclasses.asdict(judged).items()
                      if k in ("outcome", "message")}, "limit": limit}  # fmt: skip
