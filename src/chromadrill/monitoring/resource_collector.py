"""Samples of what a deployment uses and of its log: whatever the target can tell."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Usage
from chromadrill.core.protocols import HasLogs, HasMetrics
from chromadrill.monitoring import samples
from chromadrill.monitoring.logs.classify import new_lines, read_errors
from chromadrill.monitoring.samples import Sample

LOG_LINES = 400  # looked at each time; more new ones are counted up to here


@dataclass
class Metrics:
    """Disk and memory in %, restarts and out-of-memory kills since the look before."""

    target: HasMetrics
    signals = (samples.DISK, samples.MEMORY, samples.OOM, samples.RESTARTS)
    _restarts: int | None = field(default=None, init=False)
    _kills: int | None = field(default=None, init=False)

    def look(self) -> list[Sample]:
        try:
            used = self.target.metrics()
        except DrillError as error:
            return [Sample(now(), each, None, str(error)[:300]) for each in self.signals]
        at = now()
        kills = _more(used.oom_kills, self._kills)
        starts = _more(used.restarts, self._restarts)
        self._kills, self._restarts = used.oom_kills, used.restarts
        memory = _percent(used.memory_bytes, used.memory_limit_bytes)
        found = [
            (samples.DISK, _disk(self.target, used), ""),
            (samples.MEMORY, memory, ""),
            (samples.OOM, kills, f"{used.oom_kills} in all"),
            (samples.RESTARTS, starts, f"{used.restarts} in all"),
        ]
        return [
            Sample(at, signal, None, "this platform does not tell", untold=True)
            if value is None
            else Sample(at, signal, value, detail)
            for signal, value, detail in found
        ]


def _more(counted: int | None, before: int | None) -> float | None:
    """Since the look before; None where the platform does not tell."""
    if counted is None:
        return None
    return float(max(0, counted - (counted if before is None else before)))


def _disk(target: HasMetrics, used: Usage) -> float | None:
    """% of the volume; where that has no size of its own, of the disk of ours that it lies on."""
    data = getattr(target, "data", None)
    if used.disk_limit_bytes or not isinstance(data, Path):
        return _percent(used.disk_bytes, used.disk_limit_bytes)
    disk = shutil.disk_usage(data if data.exists() else data.parent)
    return _percent(disk.used, disk.used + disk.free)  # what only root may use is not to be had


def _percent(used: int | None, limit: int | None) -> float | None:
    return None if used is None or not limit else round(100 * used / limit, 2)


@dataclass
class Log:
    """New lines of known trouble since the look before."""

    target: HasLogs
    signals = (samples.LOG_ERRORS,)
    _before: list[str] | None = field(default=None, init=False)

    def look(self) -> list[Sample]:
        try:
            lines = self.target.logs(LOG_LINES).splitlines()
        except DrillError as error:
            return [Sample(now(), samples.LOG_ERRORS, None, str(error)[:300])]
        fresh = [] if self._before is None else new_lines(self._before, lines)
        self._before = lines
        found = read_errors(fresh)
        names = ", ".join(sorted({each.pattern.name for each in found}))
        return [Sample(now(), samples.LOG_ERRORS, float(sum(f.count for f in found)), names)]
