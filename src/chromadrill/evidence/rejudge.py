"""Judge an old ledger by other limits. What was measured stays; the objectives are new."""

from __future__ import annotations

from collections.abc import Mapping

from chromadrill.checks.registry import limit_of
from chromadrill.core.model import JSON, Outcome

OF_A_VIEW = ("downtime", "wrong answers")  # checks of what clients saw over time


def rejudge(events: list[JSON], objectives: Mapping[str, float]) -> list[JSON]:
    """Return the events with every verdict on a limit judged anew.

    A verdict that failed for another reason than its limit stays as it was: it never recovered, or is
    void because the data was not proven. A wider limit does not make it better. Time in which nobody
    looked counts as in the drill: UNKNOWN where it decides, or where an older ledger does not tell it.
    """
    runbooks = {e["scenario"]: e["runbook"] for e in events if e["event"] == "scenario started"}
    unwatched = {
        e["scenario"]: float(e["seconds"].get("unwatched", 0.0))
        for e in events
        if e["event"] == "client view"
    }

    def anew(event: JSON) -> JSON:
        raw, scenario = event["verdict"], event.get("scenario")
        objective = limit_of(raw["check"], runbooks.get(scenario, ""))
        limit = objectives.get(objective.key) if objective else None
        hidden = unwatched.get(scenario) if raw["check"] in OF_A_VIEW else 0.0
        return {**event, "verdict": _verdict(raw, limit, hidden)}

    return [anew(e) if e["event"] == "verdict" else e for e in events]


def _verdict(raw: JSON, limit: float | None, hidden: float | None) -> JSON:
    """`hidden`: seconds that may have been as bad as those that were counted; None: nobody knows."""
    actual, was = raw["actual"], raw["limit"]
    if limit is None or actual is None or was is None or raw["outcome"] not in ("pass", "fail"):
        return raw
    if (raw["outcome"] == "fail") != (actual > was):
        return raw  # it failed for another reason
    unit = raw["unit"]
    sentence = f"{actual:g} {unit} of {limit:g} {unit} (judged anew; the limit was {was:g} {unit})"
    outcome = Outcome.PASS
    if actual > limit:
        outcome = Outcome.FAIL
    elif hidden is None and not (raw["outcome"] == "pass" and limit >= was):
        outcome = Outcome.UNKNOWN
        sentence += "; this ledger does not tell for how long nobody looked"
    elif hidden and actual + hidden > limit:
        outcome = Outcome.UNKNOWN
        sentence += f"; {hidden:g} {unit} nobody looked"
    return {**raw, "outcome": str(outcome), "message": sentence, "limit": limit}
