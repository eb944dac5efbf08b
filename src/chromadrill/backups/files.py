"""Files of backups: room for them, copies that reach the disk, empty folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from chromadrill.core.clock import now
from chromadrill.core.errors import Refused

ROOM = 1.1  # free bytes wanted, for each byte that is to be written
CHUNK = 256 * 1024


def require_room(place: Path, wanted: int, *, freed: int = 0) -> None:
    """Raise Refused unless `wanted` bytes and a tenth more are free at `place`.

    `freed`: bytes that will be free by then, since what is there is removed first.
    """
    free = shutil.disk_usage(place).free + freed
    if free < wanted * ROOM:
        raise Refused(
            f"No room in {place}: {wanted * ROOM / 1e6:.0f} MB wanted, {free / 1e6:.0f} MB free."
            " Nothing was copied.",
            next_step="Free space there, or use another disk.",
        )


def empty(folder: Path) -> None:
    """Remove everything in `folder`, hidden files and leftover journals too."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def copy_tree(source: Path, to: Path) -> None:
    """Copy the files below `source`, then flush each to disk: the page cache alone keeps no backup."""
    shutil.copytree(source, to, dirs_exist_ok=True)
    for path in [to, *to.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def copy_running(source: Path, into: Path, *, bytes_per_s: float | None = None) -> None:
    """Copy as `cp -r` does while somebody writes: file by file; a file that vanishes is left out."""
    keep_pace = pace(bytes_per_s)
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        to = into / path.relative_to(source)
        if path.is_dir():
            to.mkdir(exist_ok=True)
            continue
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file, to.open("wb") as copy:
            while chunk := file.read(CHUNK):
                copy.write(chunk)
                keep_pace(len(chunk))


def pace(bytes_per_s: float | None) -> Callable[[int], None]:
    """Return a function to call with the bytes of every chunk: it waits where they exceed the rate.

    None: no rate, no waiting.
    """
    started, total = now(), 0

    def wait(count: int) -> None:
        nonlocal total
        total += count
        if bytes_per_s:
            time.sleep(max(0.0, total / bytes_per_s - (now() - started)))

    return wait


def flush_folder(folder: Path) -> None:
    """Flush a folder's own entries: without it a power cut undoes a rename."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
