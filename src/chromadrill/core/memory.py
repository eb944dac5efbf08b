"""The memory of this process."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
EVERY_PAGES = 8  # pages between two times that memory is given back: each costs some milliseconds


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """Turn off Python's search for circles of references, for loops over pages of records.

    It looks at every object again and again, a tenth of the time, and records have no circles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def give_back_freed() -> None:
    """Let the system have what was freed: glibc keeps large pieces once some were freed.

    Elsewhere nothing happens. Arrow's columns have a pool of their own, which keeps pieces, too.
    """
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def tidied(pages: Iterable[T]) -> Iterator[T]:
    """Yield the same pages, and let the system have what they leave behind.

    A page is read by one thread and freed by another, each with a region of its own that glibc lets
    grow.
    """
    for number, page in enumerate(pages, 1):
        yield page
        if number % EVERY_PAGES == 0:
            give_back_freed()
