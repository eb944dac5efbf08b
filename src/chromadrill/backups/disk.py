"""Room, copies that reach the disk, and emptied folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from chromadrill.errors import Refused

ROOM = 1.1  # free bytes wanted, of what is to be written


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


def flush_folder(folder: Path) -> None:
    """Flush a folder's own entries: a renamed file is lost with the power otherwise."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
