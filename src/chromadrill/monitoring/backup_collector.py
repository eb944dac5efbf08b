"""Samples of a target's backups: the newest attempt, and the age of the newest verified one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Backup
from chromadrill.core.protocols import HasSnapshots, Target
from chromadrill.monitoring import samples
from chromadrill.monitoring.backup_journal import attempts, moment
from chromadrill.monitoring.samples import Sample

AHEAD_S = 60.0  # clocks differ so much; what is dated later is no backup of today


@dataclass
class Backups:
    """Attempts stand in the journal that the backup commands write.

    A target's own list counts where a fingerprint of ours lies beside the backup: one that a
    platform made by itself was never verified.
    """

    target: Target
    journal: Path
    signals = (samples.BACKUP, samples.BACKUP_AGE)

    def look(self) -> list[Sample]:
        at, today = now(), datetime.now(UTC)
        noted = attempts(self.journal, {self.target.name, self.target.url})
        entries = [each for each in noted if (moment(each["at"]) - today).total_seconds() < AHEAD_S]
        ahead = len(noted) - len(entries)
        found = []
        if entries:
            last = entries[-1]
            detail = f"{last['at']}: {last['message']}" + _ahead(ahead)
            found.append(Sample(at, samples.BACKUP, float(last["outcome"] == "pass"), detail))
        verified = [moment(each["at"]) for each in entries if each["outcome"] == "pass"]
        others = 0
        if isinstance(self.target, HasSnapshots):
            try:
                there = self.target.snapshots()
            except (DrillError, OSError) as error:  # the folder may be what is broken
                return [*found, Sample(at, samples.BACKUP_AGE, None, str(error)[:300])]
            ours = [each for each in there if _fingerprinted(each)]
            others = len(there) - len(ours)
            verified += [moment(each.created_at) for each in ours]
        elif not entries:
            why = "cannot be told: nobody notes its backups" + _ahead(ahead)
            return [Sample(at, each, None, why, untold=True) for each in self.signals]
        if not entries and verified:
            found.append(Sample(at, samples.BACKUP, 1.0, "no attempt on record; one is there"))
        ages = [max(0.0, (today - each).total_seconds()) for each in verified]
        detail = "" if verified else "there is no verified backup at all"
        detail += f"; {others} that nobody verified" if others and not verified else ""
        return [*found, Sample(at, samples.BACKUP_AGE, min(ages, default=math.inf),
                               detail + _ahead(ahead))]  # fmt: skip


def _fingerprinted(backup: Backup) -> bool:
    return bool(backup.path) and (Path(backup.path) / "fingerprint").is_file()


def _ahead(lines: int) -> str:
    return (
        f"; {lines} lines of the journal are dated in the future and do not count" if lines else ""
    )
