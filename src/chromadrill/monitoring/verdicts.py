"""Verdicts from the states of the alert engine."""

from __future__ import annotations

from chromadrill.checks.monitoring import rule_held
from chromadrill.core.model import Verdict
from chromadrill.monitoring.alerts import FIRED, LOST, Alerts, Event
from chromadrill.monitoring.samples import SEARCH


def verdicts(alerts: Alerts) -> list[Verdict]:
    """One verdict a rule; a rule whose signal this target never reports is `not_run`."""
    judged = []
    for rule, state in alerts.states.items():
        if state.unsupported:
            continue
        own = [event for event in alerts.events if event.rule == rule]
        fired = [event for event in own if event.kind == FIRED]
        detail = _detail(fired[-1]) if fired else state.detail
        judged.append(
            rule_held(
                rule.name,
                fired=len(fired),
                firing=state.firing,
                lost=sum(event.kind == LOST for event in own),
                observed=state.row_length > 0 or state.value is not None,
                pending=state.row == "bad",
                bad_share=state.bad / max(1, state.taken),
                detail=detail,
                is_blind=rule.is_blind,
            )
        )
    return judged + [
        Verdict.not_run(rule.name, why or f"this target does not show '{rule.signal}'")
        for rule, why in alerts.unwatched.items()
    ]


def _detail(fired: Event) -> str:
    """The detail of a search names the collection; how long it took is the value."""
    if fired.detail and fired.rule.signal != SEARCH:
        return fired.detail
    return f"at {fired.value:g} {fired.detail}".strip()
