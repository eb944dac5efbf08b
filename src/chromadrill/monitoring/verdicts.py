"""From the engine's states to verdicts."""

from __future__ import annotations

from chromadrill.checks.monitoring import rule_held
from chromadrill.core.model import Verdict
from chromadrill.monitoring.alerts import FIRED, LOST, Alerts, Event
from chromadrill.monitoring.samples import SEARCH


def verdicts(alerts: Alerts) -> list[Verdict]:
    """One a rule; a rule whose signal this target cannot show is `not_run`."""
    found = []
    for rule, state in alerts.states.items():
        if state.untold:
            continue
        mine = [event for event in alerts.events if event.rule == rule]
        fired = [event for event in mine if event.kind == FIRED]
        detail = _said(fired[-1]) if fired else state.detail
        found.append(
            rule_held(
                rule.name,
                fired=len(fired),
                firing=state.firing,
                lost=sum(event.kind == LOST for event in mine),
                observed=state.row_length > 0 or state.value is not None,
                pending=state.row == "bad",
                bad_share=state.bad / max(1, state.taken),
                detail=detail,
            )
        )
    return found + [
        Verdict.not_run(rule.name, why or f"this target does not show '{rule.signal}'")
        for rule, why in alerts.unwatched.items()
    ]


def _said(fired: Event) -> str:
    """A search's own words say where, and not how long it took."""
    if fired.detail and fired.rule.signal != SEARCH:
        return fired.detail
    return f"at {fired.value:g} {fired.detail}".strip()
