"""The live table of a monitor on a terminal; elsewhere one line an event, on standard error."""

from __future__ import annotations

import math
import sys
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from chromadrill.core.clock import utc_now
from chromadrill.monitoring.alerts import FIRED, Alerts, AlertState, Event
from chromadrill.monitoring.samples import UNITS


class LiveTable:
    """Shows each rule's state; `update` after each look."""

    def __init__(self, time_scale: float = 1.0) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False)
        self._scale = time_scale

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def update(self, alerts: Alerts, events: list[Event]) -> None:
        """Draw the states; print the events."""
        for event in events:
            line = f"{utc_now()} {event.kind.upper():<7} {event.rule.name}: {_sentence(event)}"
            if self._console.is_terminal:
                self._console.print(line, markup=False, highlight=False)
            else:
                sys.stderr.write(line + "\n")
        if self._console.is_terminal:
            self._live.update(self._table(alerts), refresh=True)

    def _table(self, alerts: Alerts) -> Table:
        title = "alert rules" + (f", waits at {self._scale:g}" if self._scale != 1 else "")
        table = Table("rule", "state", "now", "limit", "runbook", title=title)
        for rule, state in alerts.states.items():
            if state.unsupported:
                continue
            unit = UNITS.get(rule.signal, "")
            now = "" if state.value is None else f"{state.value:.6g} {unit}"
            table.add_row(rule.name, state_word(state), now, f"{rule.side} {rule.limit:g} {unit}",
                          rule.runbook)  # fmt: skip
        for rule in alerts.unwatched:
            table.add_row(rule.name, "not shown by this target", "", "", rule.runbook)
        return table


def state_word(state: AlertState) -> str:
    """One word for a state."""
    if state.lost:
        return "UNKNOWN" if not state.firing else "FIRING, now unseen"
    if state.firing:
        return "FIRING"
    return {"bad": "bad, waiting", "good": "ok"}.get(state.row, "UNKNOWN")


def _sentence(event: Event) -> str:
    value, unit = event.value, UNITS.get(event.rule.signal, "")
    if value is None:
        return event.detail
    number = "never" if math.isinf(value) else f"{value:.6g} {unit}".strip()
    text = f"{number} {event.detail}".strip()
    return f"{text}; {event.rule.meaning} ({event.rule.runbook})" if event.kind == FIRED else text
