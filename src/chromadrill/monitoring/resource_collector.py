"""Samples of what a deployment uses and of its log: whatever the target can report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

from chromadrill.core.errors import DrillError
from chromadrill.core.model import Usage
from chromadrill.core.protocols import HasLogs, HasMetrics, data_folder_of
from chromadrill.monitoring import samples
from chromadrill.monitoring.logs.classify import classify, new_lines
from chromadrill.monitoring.samples import Clock, Sample

LOG_LINES = 400  # looked at each time; more new ones are counted up to here


@dataclass
class MetricsCollector:
    """Disk and memory in %, restarts and out-of-memory kills since the look before."""

    target: HasMetrics
    signals = (samples.DISK, samples.MEMORY, samples.OOM, samples.RESTARTS)
    _restarts: int | None = field(default=None, init=False)
    _kills: int | None = field(default=None, init=False)

    def collect(self, clock: Clock) -> list[Sample]:
        try:
            usage = self.target.metrics()
        except DrillError as error:
            return [Sample(clock(), signal, None, str(error)[:300]) for signal in self.signals]
        at = clock()
        kills = _increase(usage.oom_kills, self._kills)
        restarts = _increase(usage.restarts, self._restarts)
        self._kills, self._restarts = usage.oom_kills, usage.restarts
        memory = _percent(usage.memory_bytes, usage.memory_limit_bytes)
        values = [
            (samples.DISK, _disk(self.target, usage), ""),
            (samples.MEMORY, memory, ""),
            (samples.OOM, kills, f"{usage.oom_kills} in all"),
            (samples.RESTARTS, restarts, f"{usage.restarts} in all"),
        ]
        return [
            Sample(at, signal, None, "this platform does not tell", unsupported=True)
            if value is None
            else Sample(at, signal, value, detail)
            for signal, value, detail in values
        ]


def _increase(count: int | None, before: int | None) -> float | None:
    """New ones since the look before; None where the platform does not count them."""
    if count is None:
        return None
    return float(max(0, count - (count if before is None else before)))


def _disk(target: HasMetrics, usage: Usage) -> float | None:
    """% of the volume; % of the disk below it where the volume has no size of its own."""
    data = data_folder_of(target)
    if usage.disk_limit_bytes or data is None:
        return _percent(usage.disk_bytes, usage.disk_limit_bytes)
    disk = shutil.disk_usage(data if data.exists() else data.parent)
    return _percent(disk.used, disk.used + disk.free)  # what only root may use is not to be had


def _percent(used: int | None, limit: int | None) -> float | None:
    return None if used is None or not limit else round(100 * used / limit, 2)


@dataclass
class LogCollector:
    """New lines of known trouble since the look before."""

    target: HasLogs
    signals = (samples.LOG_ERRORS,)
    _before: list[str] | None = field(default=None, init=False)

    def collect(self, clock: Clock) -> list[Sample]:
        try:
            lines = self.target.logs(LOG_LINES).splitlines()
        except DrillError as error:
            return [Sample(clock(), samples.LOG_ERRORS, None, str(error)[:300])]
        fresh = [] if self._before is None else new_lines(self._before, lines)
        self._before = lines
        findings = classify(fresh)
        count = sum(finding.count for finding in findings)
        names = ", ".join(sorted({finding.pattern.name for finding in findings}))
        return [Sample(clock(), samples.LOG_ERRORS, float(count), names)]
