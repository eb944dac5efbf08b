"""The monitor: look with every collector, judge by the rules, report; again at the next tick."""

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
from chromadrill.monitoring.samples import Clock, Sample

OnSamples = Callable[[list[Sample], list[Event]], None]


class Collector(Protocol):
    """One source of samples.

    `collect` stamps its samples with the clock that it is given: the rules know no other time. It
    never raises for what it looks at: that is a sample.
    """

    @property
    def signals(self) -> Sequence[str]: ...
    def collect(self, clock: Clock) -> list[Sample]: ...


@dataclass
class Monitor:
    """Looks until it is stopped. `on_samples` is called after each look, with its events.

    `clock` and `wait` are injected: a test of ten minutes takes none.
    """

    collectors: Sequence[Collector]
    rules: Sequence[Rule]
    every_s: float
    on_samples: OnSamples = lambda samples, events: None
    clock: Clock = now
    wait: Callable[[float], bool] | None = None
    looks: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._wait = self.wait or self._stop.wait
        signals = [signal for collector in self.collectors for signal in collector.signals]
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
        """One look with every collector, judged at once."""
        samples: list[Sample] = []
        for collector in self.collectors:
            try:
                samples += collector.collect(self.clock)
            except Exception as error:  # whatever it is, the monitor goes on; nobody knows
                at, why = self.clock(), _sentence(error)
                samples += [Sample(at, signal, None, why) for signal in collector.signals]
        events = self.alerts.take(samples, self.clock())
        self.looks += 1
        self.on_samples(samples, events)
        return events


def _sentence(error: Exception) -> str:
    """The error's own sentence where it is one of ours, else its kind too."""
    text = str(error) if isinstance(error, DrillError) else f"{type(error).__name__}: {error}"
    return text[:300]
