"""A folder as a source: data directories, snapshots of ours, archives and exports, at any depth of four.

What lies in it is read where it lies, and never opened by a server.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.data_place import ARCHIVES, DATABASE
from chromadrill.backups.export.formats import SUFFIXES
from chromadrill.backups.sources.source import newest_first
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Artefact

DEEPEST = 4  # folders between the source and a backup: 2026/11/29/chroma
MARKS = (DATABASE, f"data/{DATABASE}")
# how the files of an export begin: Parquet, our lines, zstd
_BEGIN = (b"PAR1", b'{"head":', b"\x28\xb5\x2f\xfd")
_UNFINISHED = (".partial", ".tmp", ".part", "~")  # names that a copy tool gives while it writes


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The backups below `folder`; where the folder itself is a backup, that one."""

    name: str
    folder: Path

    @property
    def where(self) -> str:
        return f"the folder {self.folder}"

    @property
    def _own_id(self) -> str:
        return self.folder.resolve().name  # "." has no name

    def artefacts(self) -> list[Artefact]:
        """Newest first. Raises Unavailable where the folder cannot be read."""
        try:
            if self.folder.is_file() and is_backup(self.folder):
                return [_artefact(self.folder, self._own_id)]
            if not self.folder.is_dir():
                raise Unavailable(
                    f"[backups.{self.name}] source = '{self.folder}': there is no such folder.",
                    next_step="Is its disk mounted?",
                )
            return newest_first(list(self._artefacts_below()))
        except OSError as error:
            raise Unavailable(f"{error.filename or self.folder}: {error.strerror}.") from error

    def size_of(self, artefact: Artefact) -> int | None:
        """Nothing: it is here."""
        del artefact
        return 0

    def fetch(self, artefact: Artefact, into: Path) -> Path:
        """Where the artefact lies: nothing is copied. Raises Unavailable where it is gone."""
        path = self.folder / artefact.id
        if artefact.id == self._own_id and self.folder.exists() and is_backup(self.folder):
            path = self.folder
        if not path.exists():
            raise Unavailable(
                f"{path} is gone: it was there when {self.where} was listed.",
                next_step="Does a job remove old backups? Prove another one: --pick newest.",
            )
        return path

    def _artefacts_below(self) -> Iterator[Artefact]:
        for path in backups_below(self.folder, DEEPEST):
            with contextlib.suppress(FileNotFoundError):  # a job removes old ones meanwhile
                yield _artefact(path, self._id(path))

    def _id(self, path: Path) -> str:
        return self._own_id if path == self.folder else path.relative_to(self.folder).as_posix()


def is_backup(path: Path) -> bool:
    """Whether `path` looks like a backup: by the marks in a folder, by the name of a file."""
    is_archive = path.name.lower().endswith(ARCHIVES) and path.is_file()
    return is_archive or is_plain_backup(path)


def is_plain_backup(path: Path) -> bool:
    """`is_backup`, without the archives: what they hold nobody knows before they are unpacked."""
    if path.is_dir():
        return any((path / mark).is_file() for mark in MARKS) or manifest.is_there(path)
    if not path.name.lower().endswith(SUFFIXES):
        return False
    with path.open("rb") as file:
        return file.read(max(map(len, _BEGIN))).startswith(_BEGIN)


def backups_below(folder: Path, depth: int, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The backups in `folder`, links last: `latest -> 2026-11-29` is no second backup."""
    real = folder.resolve()
    if real in above:
        return
    if is_backup(folder):
        yield folder
        return
    listed: set[Path] = set()
    entries = [entry for entry in folder.iterdir() if not _is_left_out(entry)]
    for entry in sorted(entries, key=lambda path: (path.is_symlink(), path.name)):
        if entry.is_symlink() and (entry.resolve() in listed or not entry.exists()):
            continue
        if entry.is_dir() and depth:
            paths = backups_below(entry, depth - 1, (*above, real))
        else:
            paths = iter([entry] if entry.is_file() and is_backup(entry) else [])
        for path in paths:
            if path.resolve() not in listed:
                listed.add(path.resolve())
                yield path


def _is_left_out(path: Path) -> bool:
    return (
        path.name.startswith(".")
        or path.name == "lost+found"
        or path.name.lower().endswith(_UNFINISHED)
    )


def _artefact(path: Path, artefact_id: str) -> Artefact:
    if manifest.is_there(path):
        with contextlib.suppress(
            Unavailable
        ):  # its own proof says so, and no other is the worse for it
            return _artefact_of_manifest(path, artefact_id)
    stats = [file.stat() for file in _files(path)]
    changed = max(stat.st_mtime for stat in stats)
    # a copy tool may keep the original's times; when an inode changed here, no tool can say
    arrived = [stat.st_ctime for stat in stats]
    return Artefact(
        artefact_id,
        _text(changed),
        sum(stat.st_size for stat in stats),
        _kind(path),
        begun_at=_text(min(arrived)) if path.is_dir() else None,
        finished_at=_text(max(*arrived, changed)),
    )


def _artefact_of_manifest(path: Path, artefact_id: str) -> Artefact:
    content = manifest.read(path)
    try:
        created_at = time_text(parse_time(content["created_at"], require_zone=True))
        return Artefact(artefact_id, created_at, int(content["bytes"]), _kind(path))
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(
            f"{path / manifest.NAME} is not a manifest of ours: {error!r}."
        ) from error


def _kind(path: Path) -> str:
    if path.is_dir():
        return "folder"
    return "archive" if path.name.lower().endswith(ARCHIVES) else "export"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [Path(folder) / name for folder, _, names in os.walk(path) for name in names
            if (Path(folder) / name).is_file()]  # fmt: skip


def _text(seconds: float) -> str:
    return time_text(datetime.fromtimestamp(seconds, UTC))
