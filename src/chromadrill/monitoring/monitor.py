"""The watch: look, judge by the rules, tell; again at the next tick. Clock and wait are injected."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.monitoring.alerts import Alerts, Event
from chromadrill.monitoring.rules import Rule
from chromadrill.monitoring.samples import Sample


class Looker(Protocol):
    """One source of samples. `look` never raises for what it looks at: that is a sample."""

    @property
    def signals(self) -> Sequence[str]: ...
    def look(self) -> list[Sample]: ...


@dataclass
class Watch:
    """Watches until it is stopped. `told` is called after each look with its samples and events."""

    lookers: Sequence[Looker]
    rules: Sequence[Rule]
    every_s: float
    told: Callable[[list[Sample], list[Event]], None] = lambda samples, events: None
    clock: Callable[[], float] = now
    wait: Callable[[float], bool] | None = None
    looks: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._wait = self.wait or self._stop.wait
        signals = [signal for each in self.lookers for signal in each.signals]
        self.began = self.clock()
        self.alerts = Alerts(self.rules, began=self.began, expected=signals)

    def run(self, for_s: float = math.inf) -> None:
        """Look every `every_s` seconds for `for_s` seconds; a tick that passed is not caught up."""
        due = self.began = self.clock()
        while not self._stop.is_set() and due - self.began <= for_s:
            self.look()
            due += self.every_s * max(1, math.ceil((self.clock() - due) / self.every_s))
            if due - self.began > for_s or self._wait(max(0.0, due - self.clock())):
                return

    def stop(self) -> None:
        """End `run` after the look that it is at."""
        self._stop.set()

    def look(self) -> list[Event]:
        """One look with every looker, judged at once."""
        samples: list[Sample] = []
        for each in self.lookers:
            try:
                samples += each.look()
            except Exception as error:  # whatever it is, the watch goes on; nobody knows
                at = self.clock()
                samples += [Sample(at, signal, None, _said(error)) for signal in each.signals]
        events = self.alerts.take(samples, self.clock())
        self.looks += 1
        self.told(samples, events)
        return events


def _said(error: Exception) -> str:
    """A sentence where it is one of ours, else its kind too."""
    text = str(error) if isinstance(error, DrillError) else f"{type(error).__name__}: {error}"
    return text[:300]
