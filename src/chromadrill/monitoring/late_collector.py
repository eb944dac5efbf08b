"""Samples of a platform that did not answer when the watch began."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chromadrill.core.protocols import Target
from chromadrill.monitoring.background_call import BackgroundCall
from chromadrill.monitoring.backup_collector import BackupCollector
from chromadrill.monitoring.monitor import Collector
from chromadrill.monitoring.resource_collector import LogCollector, MetricsCollector
from chromadrill.monitoring.samples import Clock, Sample

PATIENCE_S = 2.0  # of one look: a silent platform is asked for a minute, which delays no rule


@dataclass
class LateCollector:
    """Opens the target anew until it can be; from then on, what `collectors_of` it collect.

    Until then its signals are not to be had now, which is no health: nobody knows yet which of them
    the target will show. Those that it then does not show are not watched.
    """

    open: Callable[[], Target]
    collectors_of: Callable[[Target], Sequence[Collector]]
    signals = (*MetricsCollector.signals, *BackupCollector.signals, *LogCollector.signals)
    _opening: BackgroundCall[Target] | None = field(default=None, init=False)
    _collectors: Sequence[Collector] | None = field(default=None, init=False)

    def collect(self, clock: Clock) -> list[Sample]:
        if self._collectors is None:
            opening = self._opening or BackgroundCall(self.open, "open")
            is_done = opening.is_done_within(PATIENCE_S)
            self._opening = None if is_done else opening
            if opening.value is None:
                why = opening.why[:300] if is_done else "its platform does not answer yet"
                return [Sample(clock(), signal, None, why) for signal in self.signals]
            self._collectors = self.collectors_of(opening.value)
        shown = {signal for collector in self._collectors for signal in collector.signals}
        collected = [s for collector in self._collectors for s in collector.collect(clock)]
        return collected + [
            Sample(clock(), signal, None, "this platform does not tell", unsupported=True)
            for signal in self.signals
            if signal not in shown
        ]
