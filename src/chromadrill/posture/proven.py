"""How long a restore took, from the record of the drill that proved it."""

from __future__ import annotations

import json
from pathlib import Path

from chromadrill.model import ProvenRestore


def proven(run: Path) -> ProvenRestore | None:
    """The slowest restore of a volume in the run's record; None where none was proven."""
    try:
        record = json.loads((run / "drill.json").read_bytes())
        took = [
            float(each["recovery_time_s"])
            for each in record["scenarios"]
            if each["runbook"] in ("RB-2", "RB-8")
            and each["outcome"] == "pass"
            and each["recovery_time_s"] is not None
        ]
        kind, name = str(record["target"]["kind"]), str(record["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return ProvenRestore(kind, name, max(took)) if took else None
