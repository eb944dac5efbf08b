"""Samples of a target's backups: the newest attempt, and the age of the newest verified one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.core.clock import parse_time
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Backup
from chromadrill.core.protocols import HasSnapshots, Target
from chromadrill.monitoring import samples
from chromadrill.monitoring.backup_journal import attempts
from chromadrill.monitoring.samples import Clock, Sample

AHEAD_S = 60.0  # clocks differ so much; what is dated later is no backup of today


@dataclass
class BackupCollector:
    """Attempts stand in the journal that the backup commands write.

    A target's own list counts where a fingerprint of ours lies beside the backup: one that a
    platform made by itself was never verified.
    """

    target: Target
    journal: Path
    signals = (samples.BACKUP, samples.BACKUP_AGE)

    def collect(self, clock: Clock) -> list[Sample]:
        at, today = clock(), datetime.now(UTC)
        logged = attempts(self.journal, {self.target.name, self.target.url})
        entries = [entry for entry in logged if _ahead_s(entry["at"], today) < AHEAD_S]
        ahead = _note_of_ahead(len(logged) - len(entries), "lines of the journal")
        collected = []
        if entries:
            newest = entries[-1]
            is_good = float(newest["outcome"] == "pass")
            detail = f"{newest['at']}: {newest['message']}{ahead}"
            collected.append(Sample(at, samples.BACKUP, is_good, detail))
        verified = [parse_time(entry["at"]) for entry in entries if entry["outcome"] == "pass"]
        unverified = 0
        if isinstance(self.target, HasSnapshots):
            try:
                backups = self.target.snapshots()
            except (DrillError, OSError) as error:  # the folder may be what is broken
                return [*collected, Sample(at, samples.BACKUP_AGE, None, str(error)[:300])]
            ours = [backup for backup in backups if _has_fingerprint(backup)]
            unverified = len(backups) - len(ours)
            times = [b.created_at for b in ours if _ahead_s(b.created_at, today) < AHEAD_S]
            ahead += _note_of_ahead(len(ours) - len(times), "backups")
            verified += map(parse_time, times)
        elif not entries:
            why = f"cannot be told: nobody notes its backups{ahead}"
            return [Sample(at, signal, None, why, unsupported=True) for signal in self.signals]
        if not entries and verified:
            why = "no attempt on record; one is there"
            collected.append(Sample(at, samples.BACKUP, 1.0, why))
        ages_s = [max(0.0, (today - made_at).total_seconds()) for made_at in verified]
        detail = "" if verified else "there is no verified backup at all"
        detail += f"; {unverified} that nobody verified" if unverified and not verified else ""
        age_s = min(ages_s, default=math.inf)
        return [
            *collected,
            Sample(at, samples.BACKUP_AGE, age_s, (detail + ahead).removeprefix("; ")),
        ]


def _has_fingerprint(backup: Backup) -> bool:
    return bool(backup.path) and (Path(backup.path) / "fingerprint").is_file()


def _ahead_s(at: str, today: datetime) -> float:
    return (parse_time(at) - today).total_seconds()


def _note_of_ahead(count: int, what: str) -> str:
    return f"; {count} {what} are dated in the future and do not count" if count else ""
