"""Files and folders out of tar archives, never outside the folder that they are unpacked into.

Python's own `filter="data"` does the same from 3.11.4 on. Debian 12 has 3.11.2.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path


class OutsideFolder(Exception):
    """A member of an archive that would be written outside the folder."""


def extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write a regular file or a folder of the archive below `folder`, owned by who runs this.

    Raises OutsideFolder for a name that leads elsewhere. The file gets the member's time, since an
    age is told by it, and neither its owner nor its mode.
    """
    place = folder / member.name.lstrip("/" + os.sep)
    if not place.resolve().is_relative_to(folder.resolve()):
        raise OutsideFolder(f"{member.name!r} would be extracted outside of {folder}")
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - a regular file
    with content, place.open("wb") as file:
        shutil.copyfileobj(content, file)
    os.utime(place, (member.mtime, member.mtime))
