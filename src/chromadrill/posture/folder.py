"""A folder of backups: snapshots and exports of ours, else anything by its time and size."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.disk import size_of
from chromadrill.errors import Unavailable
from chromadrill.model import Store, Stored


def store(folder: Path) -> Store:
    """One backup for each entry of the folder, hidden ones left out.

    One of ours says when it was made; any other was last changed then (a copy tool that keeps times
    shows those of the original: the newest file in it counts).
    """
    try:
        entries = [each for each in folder.iterdir() if not each.name.startswith(".")]
        return Store(str(folder), tuple(_one(each) for each in sorted(entries)))
    except OSError as error:
        raise Unavailable(f"--store {folder}: {error.strerror}.") from error


def _one(entry: Path) -> Stored:
    if (entry / manifest.NAME).is_file():
        content = manifest.read(entry)
        return Stored(str(content["id"]), str(content["created_at"]), int(content["bytes"]))
    files = [each for each in entry.rglob("*") if each.is_file()] if entry.is_dir() else [entry]
    changed = max((each.stat().st_mtime for each in files), default=entry.stat().st_mtime)
    size = size_of(entry) if entry.is_dir() else entry.stat().st_size
    return Stored(entry.name, datetime.fromtimestamp(changed, UTC).isoformat(), size)
