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
SETTLED_S = 0.5  # index files that did not change for so long are not being written


@contextmanager
def write_lock(data: Path) -> Iterator[None]:
    """Nothing in the directory changes inside: the lock is held, and the index files are at rest.

    An index that was being written when the lock was taken is written to its end, hence the wait.
    Raises Unavailable when the lock cannot be had.
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
        said = holder.stdout.readline().strip()
        if said != "locked":
            raise Unavailable(f"No write lock on {data / DATABASE}: {said or 'its holder died'}.")
        _wait_until_settled(data)
        yield
        if holder.poll() is not None:
            raise Unavailable(f"The holder of the lock on {data / DATABASE} died meanwhile.")
    finally:
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()


def _wait_until_settled(data: Path) -> None:
    seen: list[object] = []

    def unchanged() -> bool:
        seen.append(sorted((path, *_state(path)) for path in data.glob("*/*")))
        return len(seen) > 1 and seen[-1] == seen[-2]

    wait_until(unchanged, within_s=30, name="index files at rest", every_s=SETTLED_S)


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return (found.st_size, found.st_mtime_ns)
