"""What a server uses, and what befell it. Counters survive restarts: they are kept in a file."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from chromadrill.targets.container.engine import docker_errors

if TYPE_CHECKING:
    from docker.models.containers import Container

NAME = "counts.json"


class Counts:
    """Starts and out-of-memory kills of a home's servers.

    An engine forgets: it tells of a kill only until the next start, and counts only restarts of
    its own policy.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / NAME

    def read(self) -> dict[str, int]:
        """Zero where there is no such file, or it is not one of ours: to count matters less than
        to start the server."""
        try:
            said = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            said = None
        counts = said if isinstance(said, dict) else {}
        found = {name: counts.get(name) for name in ("starts", "oom_kills")}
        return {name: n if isinstance(n, int) else 0 for name, n in found.items()}

    def add(self, *, starts: int = 0, oom_kills: int = 0) -> None:
        before = self.read()
        after = {
            "starts": before["starts"] + starts,
            "oom_kills": before["oom_kills"] + oom_kills,
        }
        temporary = self._file.with_suffix(".partial")
        temporary.write_text(json.dumps(after))
        temporary.replace(self._file)


def oom_killed(container: Container) -> bool:
    """Whether the kernel ended its last run for want of memory."""
    return bool(container.attrs["State"].get("OOMKilled"))


def memory_bytes(container: Container) -> int:
    """What it holds now, without the page cache that the kernel gives back at once."""
    with docker_errors(f"asking what {container.name} uses"):
        stats = container.client.api.stats(container.id, stream=False, one_shot=True)
    memory = stats.get("memory_stats") or {}
    cache = (memory.get("stats") or {}).get("inactive_file", 0)
    return max(0, int(memory.get("usage", 0)) - int(cache))


def resident_bytes(pid: int) -> int | None:
    """What the process holds in memory; None when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def bytes_below(folder: Path) -> int:
    """Of all files; one that goes while they are counted is none."""
    used = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a journal comes and goes
                used += (Path(where) / name).stat().st_size
    return used
