"""A backup that somebody made: one of our folders, a data directory, an export, or an archive."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chromadrill.backups import manifest
from chromadrill.backups.export.formats import is_export
from chromadrill.backups.export.zstd_stream import ZstdError, reopen
from chromadrill.backups.files import require_room
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import JSON, Fingerprint, Verdict

DATABASE = "chroma.sqlite3"
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")


@dataclass(frozen=True, slots=True)
class ExistingBackup:
    """`data` is the directory or the export to prove, `files` the judgement of its manifest.

    `fingerprint` is None where none lies beside it. `original` is what must stay untouched, with
    its files as they were found.
    """

    data: Path
    fingerprint: Fingerprint | None
    files: Verdict
    original: Path
    listing: list[JSON]
    exported: bool = False

    def facts(self) -> JSON:
        """What a record says of it: its manifest's words, where it has one."""
        described: JSON = {}
        for folder in (self.data, self.data.parent):
            if (folder / manifest.NAME).is_file():
                described = manifest.read(folder)
        return {
            "id": described.get("id", self.original.name),
            "method": described.get("method", "export" if self.exported else "files"),
            "created_at": described.get("created_at"),
            "bytes": sum(each["bytes"] for each in self.listing),
        }

    def untouched(self) -> Verdict:
        """Is the original still, byte for byte, what it was?"""
        return manifest.untouched(self.original, self.listing)


def open_existing(path: Path, scratch: Path) -> ExistingBackup:
    """Find out what `path` is; an archive is unpacked into `scratch`.

    The fingerprint is looked for in the folder, and beside it as PATH.fingerprint. Raises
    Unavailable when it is no backup, or its fingerprint is not whole.
    """
    if not path.exists():
        raise Unavailable(f"{path} is not a backup: it does not exist.")
    listing = manifest.files_of(path)
    folder = path
    if path.is_file() and is_export(path):
        inside = Verdict.not_run("files", "one file, with its checksum inside")
        return ExistingBackup(path, None, inside, path, listing, exported=True)
    if path.is_file():
        unpack(path, scratch)
        folder = _only_folder(scratch)
    if is_export(folder):
        files = manifest.same_files(folder, manifest.read(folder))
        return ExistingBackup(folder, None, files, path, listing, exported=True)
    if (folder / manifest.NAME).is_file():
        described = manifest.read(folder)
        files, data = manifest.same_files(folder, described), folder / "data"
    else:
        files = Verdict.not_run("files", "no manifest: the files' own hashes are not known")
        data = folder / "data" if (folder / "data" / DATABASE).is_file() else folder
        if not (data / DATABASE).is_file():
            raise Unavailable(
                f"{path} is not a backup: no {DATABASE} in it.",
                next_step="Name a data directory, a snapshot's folder, an export, or a tar of one.",
            )
    beside = [folder / "fingerprint", path.with_name(path.name + fingerprint_file.SUFFIX)]
    found = next((each for each in beside if each.is_file()), None)
    before = fingerprint_file.load(found) if found else None
    return ExistingBackup(data, before, files, path, listing)


def unpack(archive: Path, into: Path) -> None:
    """Unpack regular files and folders below `into`; nothing may leave it.

    Raises Refused when there is no room, Unavailable for something that is no archive.
    """
    if not archive.name.endswith(ARCHIVES):
        raise Unavailable(f"{archive} is not a backup: neither a folder nor {', '.join(ARCHIVES)}.")
    try:
        with _tar(archive) as tar:
            for member in tar:
                if member.isfile():
                    require_room(into, member.size)
                if member.isfile() or member.isdir():
                    tar.extract(member, into, filter="data")
            _require_checksum(tar)
    except tarfile.FilterError as error:
        raise Refused(
            f"{archive} would leave its folder: {error}. Nothing more unpacked."
        ) from error
    except (tarfile.TarError, EOFError, OSError, ValueError, ZstdError, zlib.error) as error:
        raise Unavailable(f"{archive} cannot be unpacked: {error}.") from error


@contextmanager
def _tar(archive: Path) -> Iterator[tarfile.TarFile]:
    zst = archive.name.endswith(".zst")
    # a zstd stream is read once, from begin to end: each step back would unpack it anew
    mode: Literal["r|", "r:*"] = "r|" if zst else "r:*"
    with reopen(archive, zst=zst) as stream, tarfile.open(fileobj=stream, mode=mode) as tar:
        yield tar


def _require_checksum(tar: tarfile.TarFile) -> None:
    """Read what follows the last member: the checksum of the packed stream is at its very end."""
    while tar.fileobj and tar.fileobj.read(1 << 20):
        pass


def _only_folder(scratch: Path) -> Path:
    """The folder itself, where an archive holds nothing but one."""
    inside = list(scratch.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else scratch
