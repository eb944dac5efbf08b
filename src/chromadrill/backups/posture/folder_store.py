"""A folder of backups: snapshots of ours, data directories, and exports; anything else is none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.detect import DATABASE
from chromadrill.backups.export.formats import SUFFIXES
from chromadrill.backups.files import size_of
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import BackupStore, StoreEntry

# how the files of an export begin: Parquet, our lines, zstd
_BEGIN = (b"PAR1", b'{"head":', b"\x28\xb5\x2f\xfd")


def store(folder: Path) -> BackupStore:
    """One backup for each entry of the folder that is one; how many are none is said in its name.

    One of ours says when it was made; any other was last changed then (a copy tool that keeps times
    shows those of the original: the newest file in it counts). Raises Unavailable where the folder,
    or a manifest in it, cannot be read.
    """
    try:
        entries = [each for each in folder.iterdir() if not each.name.startswith(".")]
        found = [_one(each) for each in sorted(entries) if _is_backup(each)]
    except OSError as error:
        raise Unavailable(f"--store {folder}: {error.strerror}.") from error
    others = len(entries) - len(found)
    said = f" ({others} that are no backups left out)" if others else ""
    return BackupStore(f"{folder}{said}", tuple(found))


def _is_backup(entry: Path) -> bool:
    if entry.is_dir():
        inside = (manifest.NAME, DATABASE, f"data/{DATABASE}")
        return any((entry / each).is_file() for each in inside)
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    with entry.open("rb") as file:
        return file.read(max(map(len, _BEGIN))).startswith(_BEGIN)


def _one(entry: Path) -> StoreEntry:
    if (entry / manifest.NAME).is_file():
        return _ours(entry)
    files = [each for each in entry.rglob("*") if each.is_file()] if entry.is_dir() else [entry]
    changed = max(each.stat().st_mtime for each in files)
    return StoreEntry(entry.name, datetime.fromtimestamp(changed, UTC).isoformat(), size_of(entry))


def _ours(entry: Path) -> StoreEntry:
    content = manifest.read(entry)
    try:
        if datetime.fromisoformat(content["created_at"]).tzinfo is None:
            raise ValueError("created_at has no time zone")
        return StoreEntry(str(content["id"]), content["created_at"], int(content["bytes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{entry / manifest.NAME}: not as we write it: {error!r}.") from error
