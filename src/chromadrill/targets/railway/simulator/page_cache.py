"""Which bytes of a file are in memory alone: Linux tells (`cachestat`, from 6.5 on), without root."""

from __future__ import annotations

import ctypes
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

CACHESTAT = 451  # of every architecture but Alpha
PAGE = os.sysconf("SC_PAGE_SIZE")
WRITE_BACK_S = 30.0  # after so long the kernel writes by itself


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Pages(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("cached", "dirty", "in_writeback", "evicted", "recently_evicted")
    )


def tells_memory(folder: Path) -> bool:
    """Whether the kernel and the file system of `folder` tell it: tried, with a page of a file."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x" * PAGE)
            file.flush()
            before = _count(file.fileno(), 0, PAGE)
            os.fsync(file.fileno())
            return before == 1 and _count(file.fileno(), 0, PAGE) == 0
    except (OSError, AttributeError):
        return False


def in_memory_alone(path: Path, *, is_told: bool) -> list[tuple[int, int]]:
    """The bytes of a file, from and to, that are not on the disk yet.

    `is_told`: the kernel tells (see `tells_memory`). Else the clock does: of a file that was written
    within the last 30 s nothing is on the disk. Then a sync is not seen, either.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not is_told:
            is_young = time.time() - status.st_mtime < WRITE_BACK_S
            return [(0, status.st_size)] if is_young else []
        runs: list[tuple[int, int]] = []
        for begin, end in _dirty(file.fileno(), 0, -(-status.st_size // PAGE) * PAGE):
            start = runs.pop()[0] if runs and runs[-1][1] == begin else begin
            runs.append((start, min(end, status.st_size)))
        return runs


def _dirty(handle: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Halve what is partly dirty, down to a page."""
    count = _count(handle, begin, end - begin) if end > begin else 0
    if count == (end - begin) // PAGE and count:
        yield begin, end
    elif count:
        middle = begin + (end - begin) // PAGE // 2 * PAGE
        yield from _dirty(handle, begin, middle)
        yield from _dirty(handle, middle, end)


def _count(handle: int, begin: int, length: int) -> int:
    """Pages that are dirty or being written. Raises OSError where the kernel does not tell."""
    pages = _Pages()
    place = _Range(begin, length)
    if (
        ctypes.CDLL(None, use_errno=True).syscall(
            CACHESTAT, handle, ctypes.byref(place), ctypes.byref(pages), 0
        )
        < 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(pages.dirty + pages.in_writeback)
