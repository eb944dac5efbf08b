"""Whether a server is writing index files at this moment: no copy of half-written ones is a backup.

A server writes the files of an index in place, one after the other, and the list of ids last. So an
index whose list is its newest file was written to its end. The times of the files say so; nobody need
have watched.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from chromadrill.backups.flusher.index_watch import LAST
from chromadrill.core.clock import wait_until

QUIET_S = 0.05  # the list itself is written in pieces, without a pause
# Files that a copy brought here have times in any order. After so long nobody is writing them.
REST_S = 2.0


def is_at_rest(data: Path, at: float | None = None) -> bool:
    """Whether every index below `data` was written to its end at the moment `at`.

    `at`: UTC epoch seconds, default now. Where files cannot change after `at` (a frozen file system, a
    snapshot), the answer holds for them.
    """
    moment = time.time() if at is None else at
    return all(_is_written(folder, moment) for folder in data.iterdir() if folder.is_dir())


def wait_for_rest(data: Path, *, within_s: float = 30.0) -> None:
    """Return when index files are at rest. Raises Unavailable where they never are."""
    wait_until(
        lambda: is_at_rest(data), within_s=within_s, name="index files at rest", every_s=0.02
    )


def _is_written(segment: Path, moment: float) -> bool:
    times, ids = [0.0], 0.0
    try:
        paths = list(segment.iterdir())
    except FileNotFoundError:  # dropped meanwhile
        return True
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            times.append(status.st_mtime)
            if path.name == LAST and status.st_size:  # it is cut to nothing before it is written
                ids = status.st_mtime
    newest = max(times)
    if moment - newest > REST_S:
        return True
    return ids == newest and moment - newest > QUIET_S
