"""The last drill's restores: how long they took, from the record of the run."""

from __future__ import annotations

import json
from pathlib import Path

from chromadrill.core.clock import parse_time
from chromadrill.core.model import Outcome, ProvenRestore

RESTORES = ("RB-2", "RB-8")


def read_restore(run: Path) -> ProvenRestore | None:
    """Return what the record of the run says of restores of a volume, None where it says nothing."""
    try:
        record = json.loads((run / "drill.json").read_bytes())
        restores = [row for row in record["scenarios"] if row["runbook"] in RESTORES]
        seconds = [
            float(row["recovery_time_s"])
            for row in restores
            if row["outcome"] == Outcome.PASS and row["recovery_time_s"] is not None
        ]
        target, at = record["target"], str(record["finished_at"])
        if not restores:
            return None
        parse_time(at, require_zone=True)
        return ProvenRestore(
            kind=str(target["kind"]),
            run=str(record["run_id"]),
            outcome=Outcome.merge(Outcome(row["outcome"]) for row in restores),
            seconds=max(seconds, default=None),
            at=at,
            environment=target.get("environment"),
            simulated=target.get("platform") == "simulated",
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
