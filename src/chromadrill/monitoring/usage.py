"""Samples of what a deployment uses, of its backups and of its log: whatever the target can tell."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.clock import now
from chromadrill.errors import DrillError
from chromadrill.logs.classify import new_lines, troubles
from chromadrill.model import JSON, Usage
from chromadrill.monitoring import samples
from chromadrill.monitoring.journal import attempts
from chromadrill.monitoring.samples import Sample
from chromadrill.protocols import HasLogs, HasMetrics, HasSnapshots, Target

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
        return [
            Sample(at, samples.DISK, _disk(self.target, used)),
            Sample(at, samples.MEMORY, _percent(used.memory_bytes, used.memory_limit_bytes)),
            Sample(at, samples.OOM, kills, _in_all(used.oom_kills)),
            Sample(at, samples.RESTARTS, starts, _in_all(used.restarts)),
        ]


def _more(counted: int | None, before: int | None) -> float | None:
    """Since the look before; None where the platform does not tell."""
    if counted is None:
        return None
    return float(max(0, counted - (counted if before is None else before)))


def _in_all(counted: int | None) -> str:
    return "this platform does not tell" if counted is None else f"{counted} in all"


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
class Backups:
    """The newest attempt and the age of the newest verified backup.

    Attempts stand in the journal that the backup commands write; a target's own list of snapshots
    tells of verified ones too.
    """

    target: Target
    journal: Path

    @property
    def signals(self) -> tuple[str, ...]:
        listed = isinstance(self.target, HasSnapshots) or bool(self._attempts())
        return (samples.BACKUP, samples.BACKUP_AGE) if listed else ()

    def _attempts(self) -> list[JSON]:
        return attempts(self.journal, {self.target.name, self.target.url})

    def look(self) -> list[Sample]:
        at, entries = now(), self._attempts()
        found = []
        if entries:
            last = entries[-1]
            good = last["outcome"] == "pass"
            detail = f"{last['at']}: {last['message']}"
            found.append(Sample(at, samples.BACKUP, float(good), detail))
        verified = [each["at"] for each in entries if each["outcome"] == "pass"]
        try:
            if isinstance(self.target, HasSnapshots):
                verified += [each.created_at for each in self.target.snapshots()]
        except (DrillError, OSError) as error:  # the folder may be what is broken
            return [*found, Sample(at, samples.BACKUP_AGE, None, str(error)[:300])]
        if not entries and verified:
            found.append(Sample(at, samples.BACKUP, 1.0, "no attempt on record; one is there"))
        age_s = min((_age_s(each) for each in verified), default=math.inf)
        detail = "" if verified else "there is no verified backup at all"
        return [*found, Sample(at, samples.BACKUP_AGE, age_s, detail)]


def _age_s(created_at: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created_at)).total_seconds())


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
        found = troubles(fresh)
        names = ", ".join(sorted({each.pattern.name for each in found}))
        return [Sample(now(), samples.LOG_ERRORS, float(sum(f.count for f in found)), names)]
