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
    """Write a file, a folder or a hard link of the archive below `folder`, owned by who runs this.

    Raises OutsideFolder for a name that leads elsewhere, TarError for a link to what was not unpacked
    before. The file gets the member's time, since an age is told by it, and neither its owner nor its
    mode. A link becomes a file of its own: two names of one file are no two.
    """
    place = _place(folder, member.name)
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.islnk():
        original = _place(folder, member.linkname)
        if original == place:  # tar writes that of a file which was named twice
            return
        if not original.is_file():
            raise tarfile.TarError(
                f"{member.name!r} is a link to {member.linkname!r}, which is not before it"
            )
        shutil.copyfile(original, place)
        os.utime(place, (member.mtime, member.mtime))
        return
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - a regular file
    with content, place.open("wb") as file:
        shutil.copyfileobj(content, file)
    os.utime(place, (member.mtime, member.mtime))


def size_of(member: tarfile.TarInfo, folder: Path) -> int:
    """Return the bytes that the member takes in `folder`, where those before it were unpacked."""
    if not member.islnk():
        return member.size
    original = _place(folder, member.linkname)
    return original.stat().st_size if original.is_file() else 0


def _place(folder: Path, name: str) -> Path:
    place = folder / name.lstrip("/" + os.sep)
    if not place.resolve().is_relative_to(folder.resolve()):
        raise OutsideFolder(f"{name!r} would be extracted outside of {folder}")
    return place
