"""`reports/history.jsonl`: one line a drill, or a backup of the user's own; none is ever changed.

It outlives the folders of the runs, which are pruned. Times are in seconds (`_s`) or milliseconds
(`_ms`); a value that was not measured is null.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chromadrill.core import json_lines
from chromadrill.core.model import JSON
from chromadrill.evidence.own_backups import proof_outcome
from chromadrill.evidence.summary import summary_of

HISTORY = "history.jsonl"
LOG = logging.getLogger(__name__)


def entry_of(record: JSON, record_sha256: str) -> JSON:
    """The line of a record; an old record without a summary gets one from its scenarios.

    `record_sha256` is the SHA-256 of the sealed `drill.json` ("" as long as there is none).
    """
    scenarios = record.get("scenarios") or []
    summary: JSON = record.get("summary") or summary_of(scenarios)
    return _line(record, summary, record.get("outcome"), scenarios, record_sha256)


def entries_of_proofs(record: JSON, record_sha256: str) -> list[JSON]:
    """The lines of a run on the user's own backups: one a backup, with its source and coverage.

    None for a run of any other kind, whose line has no source.
    """
    entries = []
    for scenario in record.get("scenarios") or []:
        backup = scenario.get("backup") or {}
        if not backup.get("source"):
            continue
        line = _line(
            record, summary_of([scenario]), proof_outcome(scenario), [scenario], record_sha256
        )
        entries.append(
            {
                **line,
                "source": backup["source"],
                "artefact": backup.get("artefact") or backup.get("id"),
                "created_at": backup.get("created_at"),
                "bytes": number(backup.get("bytes")),
                "coverage": number((scenario.get("coverage") or {}).get("share")),
            }
        )
    return entries


def of_source(history: Iterable[JSON], source: str | None) -> list[JSON]:
    """The lines of one source of the user's own backups; None: those of drills."""
    return [entry for entry in history if entry.get("source") == source]


def _line(
    record: JSON, summary: JSON, outcome: Any, scenarios: Iterable[JSON], record_sha256: str
) -> JSON:
    forecast = summary.get("forecast")
    return {
        "run_id": record.get("run_id"),
        "finished_at": record.get("finished_at"),
        "target": (record.get("target") or {}).get("name"),
        "outcome": outcome,
        "recovery_time_s": number(summary.get("recovery_time_s")),
        "recovery_limit_s": number(summary.get("recovery_limit_s")),
        "data_loss_s": number(summary.get("data_loss_s")),
        "downtime_s": number(summary.get("downtime_s")),
        "search_p90_ms": number(summary.get("search_p90_ms")),
        "forecast_s": number(forecast.get("seconds") if isinstance(forecast, dict) else None),
        "scenarios": sorted(str(scenario.get("id")) for scenario in scenarios),
        "records": number(summary.get("records_compared")),
        "record_sha256": record_sha256,
    }


def is_proven(entry: JSON) -> bool:
    """Whether the drill proved a restore: all checks passed, and something had to recover."""
    return entry.get("outcome") == "pass" and number(entry.get("recovery_time_s")) is not None


def number(value: Any) -> float | int | None:
    """The value if it is a measurement (a finite number, not negative), else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) and value >= 0 else None


def append(path: Path, entry: JSON) -> None:
    """Add one line, on the disk when this returns. Raises Unavailable where it does not fit."""
    json_lines.append(path, entry)


def read(path: Path) -> list[JSON]:
    """All whole lines, oldest first; how many could not be read is logged as a warning."""
    entries, bad = parse(path)
    if bad:
        LOG.warning("%s: %d unreadable lines left out: %s", path, len(bad), bad[:10])
    return entries


def parse(path: Path) -> tuple[list[JSON], list[int]]:
    """All whole lines, and the numbers (from 1) of those that are none. No file: no lines."""
    return json_lines.parse(path, "The history")


def previous(path: Path, target: str | None) -> JSON | None:
    """The last drill of the target, whatever its outcome; of any target if `target` is None."""
    drills = of_source(read(path), None)
    entries = [e for e in drills if target is None or e.get("target") == target]
    return entries[-1] if entries else None
