"""Judge an old ledger by other limits. What was measured stays; the objectives are new."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from chromadrill.checks.registry import limit_of
from chromadrill.core.model import JSON, Outcome, Verdict


def rejudge(events: list[JSON], objectives: Mapping[str, float]) -> list[JSON]:
    """Return the events with every verdict on a limit judged anew.

    A verdict that failed for another reason than its limit stays as it was: it never recovered, or is
    void because the data was not proven. A wider limit does not make it better.
    """
    runbooks = {e["scenario"]: e["runbook"] for e in events if e["event"] == "scenario started"}
    return [
        {**e, "verdict": _verdict(e["verdict"], runbooks.get(e.get("scenario"), ""), objectives)}
        if e["event"] == "verdict"
        else e
        for e in events
    ]


def _verdict(raw: JSON, runbook: str, objectives: Mapping[str, float]) -> JSON:
    objective = limit_of(raw["check"], runbook)
    limit = objectives.get(objective.key) if objective else None
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
