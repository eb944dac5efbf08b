"""A copy of a running server's directory under SQLite's write lock, by clones where there are any."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from chromadrill.backups.clones import can_clone, clone_tree
from chromadrill.backups.files import copy_tree
from chromadrill.backups.flusher.index_rest import is_at_rest, wait_for_rest
from chromadrill.backups.flusher.kernel import sync_volume
from chromadrill.backups.hot_copy.write_lock import sqlite_lock, write_lock
from chromadrill.core import process_tags
from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import remove_tree

REFLINK, LOCK = "reflink", "lock-copy"
PREFIX = ".chromadrill-clones-"
TRIES = 50  # a server that flushes its index without a pause is not waited for for ever


class LiveCopy(NamedTuple):
    """How a copy was made: `way` is REFLINK or LOCK. `locked_s`: the longest that writers waited."""

    way: str
    locked_s: float


def copy_live(data: Path, into: Path) -> LiveCopy:
    """Copy a running server's directory to the new folder `into`.

    Raises Unavailable where SQLite's lock cannot be had, or index files are never at rest.
    """
    place = data.resolve().parent
    if data.stat().st_dev != place.stat().st_dev or not can_clone(place):
        started = now()
        with write_lock(data):
            copy_tree(data, into)
        return LiveCopy(LOCK, now() - started)
    _sweep(place)
    clones = place / f"{PREFIX}{process_tags.tag(os.getpid())}-{time.time_ns()}"
    try:
        locked_s = _clone_at_rest(data, clones)
        copy_tree(clones, into)
    finally:
        shutil.rmtree(clones, ignore_errors=True)
    return LiveCopy(REFLINK, locked_s)


def _clone_at_rest(data: Path, clones: Path) -> float:
    """Clone the files while nothing changes. Whether an index was written meanwhile their times tell."""
    longest_s = 0.0
    for _ in range(TRIES):
        wait_for_rest(data)
        with contextlib.suppress(Unavailable):  # not Linux
            sync_volume(data)  # else writers wait, locked, for what is dirty
        with sqlite_lock(data):
            began, started, before = time.time(), now(), _index_files(data)
            is_whole = False
            if is_at_rest(data, began):
                clone_tree(data, clones)
                is_whole = _index_files(data) == before
        longest_s = max(longest_s, now() - started)
        if is_whole:
            return longest_s
        shutil.rmtree(clones, ignore_errors=True)
    raise Unavailable(f"Index files were written in each of {TRIES} tries to copy them at rest.")


def _index_files(data: Path) -> list[tuple[str, int, int]]:
    statuses = []
    for path in data.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            statuses.append((str(path), status.st_size, status.st_mtime_ns))
    return sorted(statuses)


def _sweep(place: Path) -> None:
    """Remove the clones that killed processes left behind."""
    for folder in place.glob(f"{PREFIX}*"):
        if process_tags.is_dead(folder.name):
            remove_tree(folder)
