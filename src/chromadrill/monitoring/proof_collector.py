"""Samples of proven restores: how old the newest one is, of each source of a target's backups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chromadrill.backups.proven import ProvenLog
from chromadrill.core.clock import parse_time
from chromadrill.core.errors import DrillError
from chromadrill.core.settings import BackupTable
from chromadrill.monitoring import samples
from chromadrill.monitoring.samples import Clock, Sample

AHEAD_S = 60.0  # clocks differ so much; a proof that is dated later is none of today
DAY_S = 86_400


@dataclass
class ProofCollector:
    """The memory of proven backups, read at each look.

    One sample for all `sources`: that of the source nearest to its `proven_within_s`, or beyond it, in
    percent of that time. Infinite where no backup of a source was ever proven.
    """

    sources: Mapping[str, BackupTable]
    log: ProvenLog
    signals = (samples.PROOF_AGE,)

    def collect(self, clock: Clock) -> list[Sample]:
        at, today = clock(), datetime.now(UTC)
        if not self.sources:
            why = "cannot be told: no [backups.NAME] says where its backups lie"
            return [Sample(at, samples.PROOF_AGE, None, why, unsupported=True)]
        try:
            ages = [self._age(name, table, today) for name, table in self.sources.items()]
        except (DrillError, OSError) as error:
            return [Sample(at, samples.PROOF_AGE, None, str(error)[:300])]
        percent, detail = max(ages)
        return [Sample(at, samples.PROOF_AGE, percent, detail)]

    def _age(self, name: str, table: BackupTable, today: datetime) -> tuple[float, str]:
        """Percent of the time that is allowed, and a sentence."""
        newest = self.log.newest_proven(name)
        if newest is None:
            tries = len(self.log.entries(name))
            tried = f" in {tries} tries" if tries else ""
            return math.inf, f"no backup of {name} is proven{tried}: chromadrill prove {name}"
        age_s = (today - parse_time(newest.proven_at)).total_seconds()
        if age_s < -AHEAD_S:
            return (
                math.inf,
                f"the newest proof of {name} is dated in the future: {newest.proven_at}",
            )
        return (
            100 * max(0.0, age_s) / table.proven_within_s,
            f"the newest proven restore of {name} ({newest.artefact}) is {_days(age_s)} old,"
            f" {_days(table.proven_within_s)} are allowed",
        )


def _days(seconds: float) -> str:
    if seconds < DAY_S:
        return f"{max(0.0, seconds) / 3600:.1f} h"
    return f"{seconds / DAY_S:.1f} days"
