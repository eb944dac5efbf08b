"""How long a restore took, from the record of the drill that proved it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from chromadrill.core.model import Outcome, ProvenRestore

RESTORES = ("RB-2", "RB-8")


def proven(run: Path) -> ProvenRestore | None:
    """What the run's record says of restores of a volume; None where it says nothing of them."""
    try:
        record = json.loads((run / "drill.json").read_bytes())
        restores = [each for each in record["scenarios"] if each["runbook"] in RESTORES]
        took = [
            float(each["recovery_time_s"])
            for each in restores
            if each["outcome"] == Outcome.PASS and each["recovery_time_s"] is not None
        ]
        target, at = record["target"], str(record["finished_at"])
        if not restores or datetime.fromisoformat(at).tzinfo is None:
            return None
        return ProvenRestore(
            kind=str(target["kind"]),
            run=str(record["run_id"]),
            outcome=Outcome.merge(Outcome(each["outcome"]) for each in restores),
            seconds=max(took, default=None),
            at=at,
            environment=target.get("environment"),
            simulated=target.get("platform") == "simulated",
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
