"""Starts and out-of-memory kills, kept in a file that survives restarts."""

from __future__ import annotations

import json
from pathlib import Path

from chromadrill.core.files import write_atomic

NAME = "counts.json"


class Counts:
    """Starts and out-of-memory kills of a home's servers.

    An engine forgets: it tells of a kill only until the next start, and counts only restarts of
    its own policy.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / NAME

    def read(self) -> dict[str, int]:
        """Both counts; zero where the file is missing or not one of ours.

        To count matters less than to start the server.
        """
        try:
            content = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            content = None
        counts = content if isinstance(content, dict) else {}
        values = {name: counts.get(name) for name in ("starts", "oom_kills")}
        return {name: n if isinstance(n, int) else 0 for name, n in values.items()}

    def add(self, *, starts: int = 0, oom_kills: int = 0) -> None:
        """Count so many more."""
        before = self.read()
        after = {
            "starts": before["starts"] + starts,
            "oom_kills": before["oom_kills"] + oom_kills,
        }
        write_atomic(self._file, json.dumps(after))
