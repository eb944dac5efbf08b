"""The journal of backups: one line an attempt, whether it ended in a verified backup or not."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from chromadrill.core.clock import utc_now
from chromadrill.core.model import JSON


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
    """Lines about one of `targets`, oldest first; a torn or foreign line is left out.

    A URL may be written in more than one way: http://localhost:8000/ is http://127.0.0.1:8000.
    """
    if not journal.is_file():
        return []
    wanted = {_plain(each) for each in targets}
    found = []
    for line in journal.read_text("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
            moment(entry["at"])
            if _plain(entry["target"]) in wanted and entry["outcome"] and "message" in entry:
                found.append(entry)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def moment(said: str) -> datetime:
    """When that was; a time without a zone is in UTC, as all of ours are. Raises ValueError."""
    found = datetime.fromisoformat(said)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _plain(target: str) -> str:
    """A name as it is; a URL without user, password and its usual port, this machine by one name."""
    parts = urlsplit(target.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return target
    host = "127.0.0.1" if parts.hostname in ("localhost", "::1") else parts.hostname
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
