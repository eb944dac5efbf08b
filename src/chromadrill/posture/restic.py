"""A restic repository: its snapshots, and the size of the newest. It is only read, without a lock."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from chromadrill.errors import Unavailable
from chromadrill.model import Store, Stored

LIMIT_S = 120.0


def store(repository: str) -> Store:
    """The password is restic's own affair: RESTIC_PASSWORD_FILE or its other ways."""
    snapshots = _restic(repository, "snapshots")
    found = [Stored(each["short_id"], each["time"], None) for each in snapshots]
    if found:
        found.sort(key=lambda each: each.created_at)
        newest = found[-1]
        stats = _restic(repository, "stats", "--mode", "restore-size", newest.id)
        found[-1] = Stored(newest.id, newest.created_at, int(stats["total_size"]))
        if len(found) > 1:
            before = found[-2]
            stats = _restic(repository, "stats", "--mode", "restore-size", before.id)
            found[-2] = Stored(before.id, before.created_at, int(stats["total_size"]))
    return Store(f"restic {repository}", tuple(found))


def _restic(repository: str, *words: str) -> Any:
    command = ["restic", "--repo", repository, "--json", "--no-lock", *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Unavailable("restic is not here.", next_step="apt-get install restic") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"restic {words[0]}: no answer within {LIMIT_S:g} s.") from error
    if done.returncode != 0:
        raise Unavailable(f"restic {words[0]}: {done.stderr.strip()[-500:]}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Unavailable(f"restic {words[0]}: not JSON: {done.stdout[:200]!r}.") from error
