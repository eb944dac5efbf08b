"""What Linux has and Python does not: `syncfs`, and inotify."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chromadrill.core.errors import Unavailable

MODIFIED, CLOSED_AFTER_WRITE, CREATED, MOVED_IN = 0x2, 0x8, 0x100, 0x80
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, bytes of the name


class Event(NamedTuple):
    """Something happened to the file `name` in the folder of the watch."""

    watch: int
    mask: int
    name: str


def sync_volume(folder: Path) -> None:
    """Return when all that was written to the file system of `folder` is on its disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _call("syncfs", handle)
    finally:
        os.close(handle)


def new_queue() -> int:
    """A descriptor that events of watched folders can be read from; it does not block."""
    return _call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)


def watch(queue: int, folder: Path, mask: int) -> int:
    """Watch a folder; returns the number that its events carry. Raises FileNotFoundError."""
    return _call("inotify_add_watch", queue, os.fsencode(folder), ctypes.c_uint32(mask))


def read_events(queue: int) -> Iterator[Event]:
    """The events that are there; none where nothing happened."""
    try:
        data = os.read(queue, 64 * 1024)
    except BlockingIOError:
        return
    while data:
        number, mask, _, length = _EVENT.unpack_from(data)
        name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0")
        yield Event(number, mask, os.fsdecode(name))
        data = data[_EVENT.size + length :]


def _call(name: str, *arguments: object) -> int:
    """A function of the C library. Raises OSError as it says, Unavailable where there is none."""
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError, TypeError) as error:
        raise Unavailable(f"No {name} here: a flusher needs Linux.") from error
    result = int(function(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
