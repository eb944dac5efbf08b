"""Clones of files (reflinks): made at once whatever their size, where the file system has them.

xfs and btrfs have them; ext4 has none. A clone shares its blocks with the file until either is changed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import tempfile
from pathlib import Path

FICLONE = 0x40049409
NONE = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS}


def clone_file(source: Path, to: Path) -> None:
    """Make `to` a clone of `source`, as it is at one instant. Raises OSError where there can be none."""
    with source.open("rb") as file, to.open("wb") as clone:
        fcntl.ioctl(clone.fileno(), FICLONE, file.fileno())


def clone_tree(source: Path, to: Path) -> None:
    """Clone every file below `source` into the new folder `to`, one after the other."""
    to.mkdir()
    for path in sorted(source.rglob("*")):
        if path.is_dir():
            (to / path.relative_to(source)).mkdir()
        elif path.is_file():
            with contextlib.suppress(FileNotFoundError):  # a journal that just ended
                clone_file(path, to / path.relative_to(source))


def can_clone(folder: Path) -> bool:
    """Whether files in this folder can be cloned: tried, with a file of a few bytes."""
    try:
        with tempfile.TemporaryDirectory(prefix=".chromadrill-", dir=folder) as place:
            probe = Path(place) / "probe"
            probe.write_bytes(b"probe")
            clone_file(probe, Path(place) / "clone")
    except OSError as error:
        if error.errno in NONE or isinstance(error, PermissionError):
            return False
        raise
    return True
