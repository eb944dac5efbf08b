"""The journal of backups: one line an attempt, whether it ended in a verified backup or not."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

from chromadrill.core.clock import parse_time, utc_now
from chromadrill.core.model import JSON
from chromadrill.core.urls import plain_url


def log_attempt(journal: Path, target: str, *, good: bool, message: str) -> None:
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
    """Lines about one of `targets`, oldest first; a torn or foreign line is left out.

    A URL may be written in more than one way: http://localhost:8000/ is http://127.0.0.1:8000.
    """
    if not journal.is_file():
        return []
    wanted = {plain_url(target) for target in targets}
    entries = []
    for line in journal.read_text("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
            parse_time(entry["at"])
            if plain_url(entry["target"]) in wanted and entry["outcome"] and "message" in entry:
                entries.append(entry)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return entries
