"""Who else has the directory, what it holds beside files, and whether there is room.

What somebody writes to cannot be salvaged: what is read of it is of no single instant.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from chromadrill.backups.files import require_room
from chromadrill.chroma.at_rest.database import FILE_NAME
from chromadrill.core.errors import Refused, Unavailable

Stamps = dict[str, tuple[int, int, int]]
# the bytes that SQLite locks, in every version: pending, reserved, and those of the readers
_LOCKED_FROM, _LOCKED_BYTES = 0x40000000, 512
_FLOCK = "hhqqi4x"  # of Linux with 64-bit offsets: type, whence, start, length, process


def refuse_in_use(path: Path) -> None:
    """Raise Refused where another process has a file of the directory open, or its database locked.

    Files of other users and of other containers cannot be seen; a lock of SQLite can.
    """
    for process in _users_of(path):
        raise Refused(
            f"{path} is in use: process {process.pid} ({process.info['name']}) has files of it open."
            " Nothing was read.",
            next_step="Stop the server, or salvage a copy of the directory.",
        )
    if _is_locked(path / FILE_NAME):
        raise Refused(
            f"{path} is in use: somebody has a lock on its {FILE_NAME}. Nothing was read.",
            next_step="Stop the server, perhaps in another container, or salvage a copy.",
        )


def require_plain_database(path: Path) -> None:
    """Raise Unavailable where the database is no regular file: a pipe or a device has no end."""
    try:
        mode = (path / FILE_NAME).stat().st_mode
    except OSError as error:
        raise Unavailable(f"{path / FILE_NAME} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(mode):
        raise Unavailable(f"{path / FILE_NAME} is not a regular file. Nothing was read.")


def require_rooms(needs: Iterable[tuple[Path, int]]) -> None:
    """Raise Refused unless each place has so many bytes free; places of one file system share them.

    A folder that is yet to be made will have the room of the one that it comes to lie in.
    """
    wanted: dict[int, tuple[Path, int]] = {}
    for named, size in needs:
        place = next(folder for folder in (named, *named.absolute().parents) if folder.exists())
        device = place.stat().st_dev
        first, before = wanted.get(device, (place, 0))
        wanted[device] = (first, before + size)
    for place, size in wanted.values():
        require_room(place, size)


def stamps_of(path: Path) -> Stamps:
    """Size, time of change and inode of each file, by its name below the directory."""
    stamps: Stamps = {}
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                details = (Path(folder) / name).lstat()
                key = (Path(folder) / name).relative_to(path).as_posix()
                stamps[key] = (details.st_size, details.st_mtime_ns, details.st_ino)
    return stamps


def require_unchanged(path: Path, before: Stamps) -> None:
    """Raise Refused where somebody wrote to the directory since `before`."""
    after = stamps_of(path)
    changed = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    if changed:
        raise Refused(
            f"{path}: {changed[0]} was written to while it was read. Nothing of it is believed.",
            next_step="Stop the server, perhaps in another container, or salvage a copy.",
        )


def _users_of(path: Path) -> Iterator[psutil.Process]:
    folder = path.resolve()
    for process in psutil.process_iter(["name"]):
        if process.pid == os.getpid():
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if any(Path(file.path).is_relative_to(folder) for file in process.open_files()):
                yield process


def _is_locked(file: Path) -> bool:
    """Whether another process has one of SQLite's locks; a server that is idle has none."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    ask = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_FROM, _LOCKED_BYTES, 0)
    try:
        with file.open("rb") as handle:
            answer = fcntl.fcntl(handle, fcntl.F_GETLK, ask)
    except OSError:
        return False
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
