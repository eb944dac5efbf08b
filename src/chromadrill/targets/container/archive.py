"""Tar archives between a folder and a container: what the engine's copy takes and gives."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from chromadrill.backups.files import require_room
from chromadrill.core.errors import Unavailable
from chromadrill.core.tar_members import OutsideFolder, extract


def unpack(
    chunks: Iterable[bytes], into: Path, *, keep_pace: Callable[[int], None] = lambda count: None
) -> None:
    """Unpack what the engine sends of a folder; files and folders only, and nothing leaves `into`.

    The engine sends the folder as `NAME/...` or `./...`; its name is left off, a single file's is
    not. `keep_pace` is told of every chunk's length. Raises Refused when there is no room,
    Unavailable when the archive is cut.
    """
    with TemporaryFile(dir=into.parent) as file:
        for chunk in chunks:
            file.write(chunk)
            keep_pace(len(chunk))
        require_room(into, file.tell())
        file.seek(0)
        try:
            with tarfile.open(fileobj=file) as tar:
                for member in tar:
                    _, slash, inside = member.name.partition("/")
                    member.name = inside if slash or not member.isfile() else member.name
                    if member.islnk():
                        member.linkname = member.linkname.partition("/")[2]
                    if member.name and (member.isfile() or member.isdir() or member.islnk()):
                        extract(tar, member, into)
        except (tarfile.TarError, OutsideFolder) as error:
            raise Unavailable(f"What the engine sent cannot be unpacked: {error}.") from error


def pack(folder: Path, file: IO[bytes]) -> None:
    """Write everything in `folder` to `file`, owned by root as the server's own files are."""
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name, filter=_of_root)
    file.seek(0)


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
