"""Files of JSON lines that are only appended to: one entry a line, one write an entry."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON


def append(path: Path, entry: JSON, *, mode: int = 0o644) -> None:
    """Add one line: one write, on the disk when this returns. `mode`: of a file that is made now.

    A process that was killed while it wrote left a line without an end. The new line starts below it.
    Raises Unavailable where the line does not fit, OSError where the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = orjson.dumps(entry) + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, mode)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        written = os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if written != len(line):
        raise Unavailable(
            f"Only {written} of {len(line)} bytes of this drill fitted into {path}.",
            next_step="Free some space, then run it again.",
        )


def parse(path: Path, name: str) -> tuple[list[JSON], list[int]]:
    """All whole lines, oldest first, and the numbers (from 1) of those that are none.

    No file: no lines. `name`: what the file is. Raises Unavailable where it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise Unavailable(f"{name} {path} cannot be read: {error.strerror}.") from error
    entries, bad = [], []
    # not splitlines(): a cut line may hold any byte
    for at, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            entry = None
        if isinstance(entry, dict):
            entries.append(entry)
        else:
            bad.append(at)
    return entries, bad
