"""The alert engine: samples in, events out. Pure: its only clock is that of the samples.

An alert fires once and clears once, however long or unsteady its cause. Missing samples neither
fire nor clear: they make a rule `lost`, which is UNKNOWN and never health. A rule whose signal the
platform never reports is not lost: it is not watched, until the platform reports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chromadrill.monitoring.rules import Rule
from chromadrill.monitoring.samples import Sample

FIRED, CLEARED, LOST, FOUND = "fired", "cleared", "lost", "found"


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a rule's state at a moment (seconds of the samples' clock).

    `since`: when the row of samples began that decided it.
    """

    kind: str
    rule: Rule
    at: float
    since: float
    value: float | None = None
    detail: str = ""

    @property
    def pages(self) -> bool:
        """Whether on-call is paged. The monitor's own heartbeat reports a monitor that sees nothing."""
        return self.kind in (FIRED, CLEARED)


@dataclass(frozen=True, slots=True)
class AlertState:
    """The state of one rule. A row is a run of samples of one kind, without holes in time."""

    firing: bool = False
    lost: bool = False
    last_at: float | None = None
    row: str = ""  # "bad", "good" or ""
    row_since: float = 0.0
    row_length: int = 0
    value: float | None = None
    detail: str = ""
    taken: int = 0  # samples with a value, since the monitor began
    bad: int = 0  # of them
    unsupported: bool = False  # there was never a value: the platform never reports the signal


def on_sample(rule: Rule, state: AlertState, sample: Sample) -> tuple[AlertState, list[Event]]:
    """Take one sample. A sample without a value changes nothing."""
    if sample.value is None:
        if sample.unsupported and state.value is None:
            at, detail = sample.at, sample.detail
            state = replace(state, unsupported=True, lost=False, last_at=at, detail=detail)
        return state, []
    events = []
    if state.lost:
        events.append(Event(FOUND, rule, sample.at, state.last_at or sample.at, sample.value))
    state = _extend_row(rule, state, sample, sample.value)
    long_s, enough = sample.at - state.row_since, state.row_length
    fires = state.row == "bad" and enough >= rule.count and long_s >= rule.for_s
    clears = state.row == "good" and enough >= rule.clear_count and long_s >= rule.clear_for_s
    if (fires and not state.firing) or (clears and state.firing):
        kind = FIRED if fires else CLEARED
        events.append(Event(kind, rule, sample.at, state.row_since, sample.value, sample.detail))
        state = replace(state, firing=fires)
    return state, events


def _extend_row(rule: Rule, state: AlertState, sample: Sample, value: float) -> AlertState:
    row = "bad" if rule.is_bad(value) else "good" if rule.is_good(value) else ""
    hole = (
        state.last_at is None
        or not 0 <= sample.at - state.last_at <= rule.stale_s  # nobody looked, or the clock jumped
    )
    goes_on = row == state.row and row != "" and not hole
    return replace(
        state,
        lost=False,
        unsupported=False,
        taken=state.taken + 1,
        bad=state.bad + (row == "bad"),
        last_at=sample.at,
        row=row,
        row_since=state.row_since if goes_on else sample.at,
        row_length=state.row_length + 1 if goes_on else 1,
        value=value,
        detail=sample.detail,
    )


def on_gap(rule: Rule, state: AlertState, at: float) -> tuple[AlertState, list[Event]]:
    """Time has passed: is the last sample too old? Where the clock went back, count from there."""
    if state.lost or state.last_at is None:
        return state, []
    if at < state.last_at:
        return replace(state, last_at=at, row="", row_length=0), []
    if at - state.last_at <= rule.stale_s:
        return state, []
    # the row ends here: what comes after the hole is another one
    lost = replace(state, lost=True, row="", row_length=0)
    return lost, [Event(LOST, rule, at, state.last_at, detail="no sample since")]


class Alerts:
    """The states of all rules; `expected` signals never seen are lost from the start."""

    def __init__(self, rules: Sequence[Rule], *, began: float, expected: Iterable[str]) -> None:
        collected = set(expected)
        self.states = {
            rule: AlertState(last_at=began) for rule in rules if rule.signal in collected
        }
        self._not_collected = tuple(rule for rule in rules if rule.signal not in collected)
        self.events: list[Event] = []

    def take(self, samples: Iterable[Sample], now: float) -> list[Event]:
        """Samples of one look, then the time of that look; returns the new events."""
        new: list[Event] = []
        for sample in samples:
            for rule, state in self.states.items():
                if rule.signal == sample.signal:
                    self.states[rule], events = on_sample(rule, state, sample)
                    new += events
        for rule, state in self.states.items():
            self.states[rule], events = on_gap(rule, state, now)
            new += events
        self.events += new
        return new

    @property
    def unwatched(self) -> dict[Rule, str]:
        """Rules whose signal this target never reports, each with the collector's reason."""
        unsupported = {r: state.detail for r, state in self.states.items() if state.unsupported}
        return {**unsupported, **dict.fromkeys(self._not_collected, "")}

    @property
    def firing(self) -> list[Rule]:
        return [rule for rule, state in self.states.items() if state.firing]

    @property
    def undecided(self) -> list[Rule]:
        """Rules of which nobody can say that they need not fire.

        They are lost, were not seen yet, or were only ever seen bad: an alert that an earlier monitor
        raised may still be open for them.
        """
        return [
            rule
            for rule, state in self.states.items()
            if state.lost
            or (not state.firing and not state.unsupported and state.taken == state.bad)
        ]
