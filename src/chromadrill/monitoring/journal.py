"""The journal of backups: one line an attempt, whether it ended in a verified backup or not."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from chromadrill.clock import utc_now
from chromadrill.model import JSON


def attempted(journal: Path, target: str, *, good: bool, message: str) -> None:
    """Add a line. Raises OSError."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    entry = {
        "at": utc_now(),
        "target": target,
        "outcome": "pass" if good else "fail",
        "message": message[:500],
    }
    # one write, so that two backups at once do not mix their lines
    handle = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, json.dumps(entry).encode() + b"\n")
    finally:
        os.close(handle)


def attempts(journal: Path, targets: Collection[str]) -> list[JSON]:
    """Lines about one of `targets`, oldest first; a torn or foreign line is left out."""
    if not journal.is_file():
        return []
    found = []
    for line in journal.read_text("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
            datetime.fromisoformat(entry["at"])
            if entry["target"] in targets and entry["outcome"] and "message" in entry:
                found.append(entry)
        except (ValueError, KeyError, TypeError):
            continue
    return found
