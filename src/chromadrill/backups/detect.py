"""Existing backups, told apart: a folder of ours, a data directory, an export, or an archive of one."""

from __future__ import annotations

import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeGuard

from chromadrill.backups import manifest
from chromadrill.backups.data_place import ARCHIVES, DATABASE, nearest
from chromadrill.backups.export.formats import is_export, open_export
from chromadrill.backups.export.zstd_stream import ZstdError, reopen
from chromadrill.backups.files import require_room
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.files import forget_cached
from chromadrill.core.model import JSON, Fingerprint, Verdict
from chromadrill.core.stopwatch import Stopwatch, timed
from chromadrill.core.tar_members import OutsideFolder, extract, size_of

_PACKED = (ZstdError, lzma.LZMAError, zlib.error)  # of streams that are not whole
UNPACKED = "unpacked"
_NAMED = 5  # backups of one archive that a sentence names


@dataclass(frozen=True, slots=True)
class ExistingBackup:
    """A backup that somebody made.

    `data`: the directory or the export to prove. `fingerprint`: None where there is none beside it.
    `files`: the verdict on its manifest. `original`: what must stay untouched; `listing` are its files
    as they were at first. `exported`: whether it is an export.
    """

    data: Path
    fingerprint: Fingerprint | None
    files: Verdict
    original: Path
    listing: list[JSON]
    exported: bool = False

    @property
    def manifest(self) -> JSON:
        """What its manifest says; empty where it has none."""
        content: JSON = {}
        of_snapshot = [self.data.parent] if self.data.name == "data" else []
        for folder in (self.data, *of_snapshot):
            if manifest.is_there(folder):
                content = manifest.read(folder)
        return content

    def facts(self) -> JSON:
        """Return what a record says of the backup, from its manifest where it has one."""
        content = self.manifest
        return {
            "id": content.get("id", self.original.absolute().name),
            "method": content.get("method", "export" if self.exported else "files"),
            "created_at": content.get("created_at"),
            "bytes": sum(file["bytes"] for file in self.listing),
            "original": str(self.original),
            "newest_file_at": self._newest_file_at(),
        }

    def sealed_at(self) -> str | None:
        """When the reading of its database began, as it says itself. It may have been copied long after.

        None for one that does not say it.
        """
        content, times = self.manifest, list[object]()
        if self.exported:
            with suppress(DrillError):  # its proof says what is wrong with it
                times.append(open_export(self.data).fingerprint.taken_at)
        if self.fingerprint is not None:
            times.append(self.fingerprint.taken_at)
        times.append(content.get("created_at"))
        times.append(((content.get("coverage") or {}).get("before") or {}).get("taken_at"))
        return min(filter(_is_time, times), default=None, key=parse_time)

    def _newest_file_at(self) -> str | None:
        """When its newest file was written; a copy tool that keeps times shows the original's."""
        is_folder = self.original.is_dir()
        files = [self.original / file["path"] for file in self.listing] if is_folder else []
        times = [file.stat().st_mtime for file in files or [self.original] if file.exists()]
        return time_text(datetime.fromtimestamp(max(times), UTC)) if times else None

    def compare_original(self) -> Verdict:
        """Return whether the original is still, byte for byte, what it was."""
        return manifest.compare_original(self.original, self.listing)


def _is_time(text: object) -> TypeGuard[str]:
    try:
        return isinstance(text, str) and bool(parse_time(text))
    except ValueError:
        return False


def open_existing(path: Path, scratch: Path, clock: Stopwatch | None = None) -> ExistingBackup:
    """Return the backup that `path` is; an archive is unpacked into `scratch`.

    `clock`: times the unpacking, as phase "unpacked".

    Its fingerprint may be in the folder, or beside it as PATH.fingerprint. Raises Unavailable where
    `path` is no backup or its fingerprint is not whole, Refused where there is no room to unpack.
    """
    if not path.exists():
        raise Unavailable(f"{path} is not a backup: it does not exist.", next_step=nearest(path))
    listing = manifest.files_of(path)
    folder = path
    if path.is_file() and is_export(path):
        files = Verdict.not_run("files", "one file, with its checksum inside")
        return ExistingBackup(path, None, files, path, listing, exported=True)
    if path.is_file():
        if clock is not None:
            forget_cached(path)
        with timed(clock, UNPACKED):
            unpack(path, scratch)
        folder = holder(scratch, path)
    if is_export(folder):
        files = manifest.compare_files(folder, manifest.read(folder))
        return ExistingBackup(folder, None, files, path, listing, exported=True)
    if manifest.is_there(folder):
        files, data = manifest.compare_files(folder, manifest.read(folder)), folder / "data"
    else:
        files = Verdict.not_run("files", "no manifest: the files' own hashes are not known")
        data = folder / "data" if (folder / "data" / DATABASE).is_file() else folder
        if not (data / DATABASE).is_file():
            raise Unavailable(
                f"{path} is not a backup: no {DATABASE} in it.",
                next_step="Name a data directory, a snapshot's folder, an export, or a tar of one.",
            )
    named = path.absolute()  # "." has no name
    places = (folder / "fingerprint", named.with_name(named.name + fingerprint_file.SUFFIX))
    place = next((file for file in places if file.is_file()), None)
    before = fingerprint_file.load(place) if place else None
    return ExistingBackup(data, before, files, path, listing)


def unpack(archive: Path, into: Path) -> None:
    """Unpack the regular files and folders of `archive` below `into`; a hard link becomes a copy.

    Raises Refused where there is no room or a member would leave `into`, Unavailable for a damaged
    archive and for what is no archive.
    """
    if not archive.name.lower().endswith(ARCHIVES):
        raise Unavailable(f"{archive} is not a backup: neither a folder nor {', '.join(ARCHIVES)}.")
    try:
        with _tar(archive) as tar:
            for member in tar:
                if member.isfile() or member.islnk():
                    require_room(into, size_of(member, into))
                if member.isfile() or member.isdir() or member.islnk():
                    extract(tar, member, into)
            _require_checksum(tar)
    except OutsideFolder as error:
        raise Refused(
            f"{archive} would leave its folder: {error}. Nothing more was unpacked."
        ) from error
    except (tarfile.TarError, EOFError, OSError, ValueError, *_PACKED) as error:
        raise Unavailable(f"{archive} cannot be unpacked: {error}.") from error


@contextmanager
def _tar(archive: Path) -> Iterator[tarfile.TarFile]:
    zst = archive.name.lower().endswith(".zst")
    # a zstd stream is read once, from begin to end: each step back would unpack it anew
    mode: Literal["r|", "r:*"] = "r|" if zst else "r:*"
    with reopen(archive, zst=zst) as stream, tarfile.open(fileobj=stream, mode=mode) as tar:
        yield tar


def _require_checksum(tar: tarfile.TarFile) -> None:
    """Read what follows the last member: the checksum of the packed stream is at its very end."""
    while tar.fileobj and tar.fileobj.read(1 << 20):
        pass


def holder(scratch: Path, archive: Path) -> Path:
    """The folder of an unpacked archive that holds the backup, however deep; `scratch` for none.

    A tar made of /home/me/chroma_db holds it three folders down.
    """
    inner = [
        folder
        for folder, files in ((Path(name), files) for name, _, files in os.walk(scratch))
        if DATABASE in files or manifest.is_there(folder)
    ]
    # the data folder of one of our backups has its manifest above it, and a store has nothing below
    outer = [one for one in inner if not any(other in one.parents for other in inner)]
    if len(outer) > 1:
        names = ", ".join(str(one.relative_to(scratch)) for one in sorted(outer)[:_NAMED])
        raise Unavailable(
            f"{archive} holds {len(outer)} backups: {names}.",
            next_step="Unpack it, and name the folder of the one that is meant.",
        )
    if not outer:
        return scratch
    holder = outer[0]
    # PATH/data/chroma.sqlite3 with its fingerprint at PATH/fingerprint is one backup without a manifest
    return holder.parent if holder.name == "data" else holder
