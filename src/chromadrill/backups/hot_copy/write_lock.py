"""SQLite's write lock on a running server's database: its writers wait, its readers go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable

DATABASE = "chroma.sqlite3"
REST_S = 0.5  # index files that did not change for so long are not being written


@contextmanager
def write_lock(data: Path) -> Iterator[None]:
    """Keep the directory unchanged inside: the lock is held, and the index files are at rest.

    A server that was writing an index when the lock came writes it to its end, hence the wait.
    Raises Unavailable where the lock cannot be had.
    """
    with sqlite_lock(data):
        _wait_for_rest(data)
        yield


@contextmanager
def sqlite_lock(data: Path) -> Iterator[None]:
    """Hold the lock alone: the database does not change. Index files may, and whoever copies looks.

    Raises Unavailable where the lock cannot be had.
    """
    holder = subprocess.Popen(
        [
            sys.executable,
            "-I",
            str(Path(__file__).with_name("lock_holder.py")),
            str(data / DATABASE),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None  # noqa: S101 - both are pipes
    assert holder.stdout is not None  # noqa: S101
    try:
        line = holder.stdout.readline().strip()
        if line != "locked":
            raise Unavailable(f"No write lock on {data / DATABASE}: {line or 'its holder died'}.")
        yield
        if holder.poll() is not None:
            raise Unavailable(f"The holder of the lock on {data / DATABASE} died meanwhile.")
    finally:
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()


def _wait_for_rest(data: Path) -> None:
    listings: list[object] = []

    def is_at_rest() -> bool:
        listings.append(sorted((path, *_state(path)) for path in data.glob("*/*")))
        return len(listings) > 1 and listings[-1] == listings[-2]

    wait_until(is_at_rest, within_s=30, name="index files at rest", every_s=REST_S)


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return (status.st_size, status.st_mtime_ns)
