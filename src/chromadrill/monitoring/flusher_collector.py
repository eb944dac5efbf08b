"""Samples of the flusher beside the server: is its heartbeat young?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups.flusher.flusher import is_alive
from chromadrill.core.errors import DrillError
from chromadrill.monitoring import samples
from chromadrill.monitoring.samples import Clock, Sample


@dataclass
class FlusherCollector:
    """The heartbeat file of `chromadrill flush`, read at each look; None: no flusher is watched."""

    heartbeat: str | None
    signals = (samples.FLUSHER,)

    def collect(self, clock: Clock) -> list[Sample]:
        at = clock()
        if self.heartbeat is None:
            why = "cannot be told: no [monitoring] flusher_heartbeat says where a flusher's is"
            return [Sample(at, samples.FLUSHER, None, why, unsupported=True)]
        try:
            lives, why = is_alive(Path(self.heartbeat))
        except DrillError as error:
            return [Sample(at, samples.FLUSHER, None, str(error)[:300])]
        return [Sample(at, samples.FLUSHER, float(lives), why)]
