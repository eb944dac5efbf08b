"""Room, copies that reach the disk, and emptied folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from chromadrill.core.clock import now
from chromadrill.core.errors import Refused

ROOM = 1.1  # free bytes wanted, of what is to be written
CHUNK = 256 * 1024


def require_room(place: Path, wanted: int, *, freed: int = 0) -> None:
    """Raise Refused unless `wanted` bytes and a tenth more are free, before a copy begins."""
    free = shutil.disk_usage(place).free + freed
    if free < wanted * ROOM:
        raise Refused(
            f"No room in {place}: {wanted * ROOM / 1e6:.0f} MB wanted, {free / 1e6:.0f} MB free."
            " Nothing was copied.",
            next_step="Free space there, or use another disk.",
        )


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`, or of that file."""
    if folder.is_file():
        return folder.stat().st_size
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def empty(folder: Path) -> None:
    """Remove everything in `folder`, hidden files and leftover journals too."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def copy_tree(source: Path, to: Path) -> None:
    """Copy files, then flush each to disk: a backup in the page cache alone is none."""
    shutil.copytree(source, to, dirs_exist_ok=True)
    for path in [to, *to.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def copy_running(source: Path, into: Path, *, bytes_per_s: float | None = None) -> None:
    """Copy as `cp -r` does while somebody writes: file by file, what vanishes is passed over."""
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
    """To be told of every chunk: waits where more went by than the rate allows. None: never."""
    started, went_by = now(), 0

    def keep(count: int) -> None:
        nonlocal went_by
        went_by += count
        if bytes_per_s:
            time.sleep(max(0.0, went_by / bytes_per_s - (now() - started)))

    return keep


def flush_folder(folder: Path) -> None:
    """Flush a folder's own entries: a renamed file is lost with the power otherwise."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
