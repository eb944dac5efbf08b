"""A folder as a store of backups: snapshots of ours, data directories, and exports; nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.export.formats import suffix_of
from chromadrill.backups.sources.folder import is_plain_backup
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import size_of
from chromadrill.core.model import BackupStore, StoreEntry


def store(folder: Path) -> BackupStore:
    """Return the backups in a folder; the name of the store says how many entries are none.

    The manifest of a snapshot of ours says when it was made. Of any other backup the newest file
    counts: a copy tool that keeps times shows those of the original. Raises Unavailable where the
    folder, or a manifest in it, cannot be read.
    """
    try:
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
        backups = [_entry(path) for path in sorted(paths) if is_plain_backup(path)]
    except OSError as error:
        raise Unavailable(f"--store {folder}: {error.strerror}.") from error
    others = len(paths) - len(backups)
    note = f" ({others} that are no backups left out)" if others else ""
    return BackupStore(f"{folder}{note}", tuple(backups))


def _entry(path: Path) -> StoreEntry:
    if manifest.is_there(path):
        return _entry_of_manifest(path)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    changed = max(file.stat().st_mtime for file in files)
    created_at = time_text(datetime.fromtimestamp(changed, UTC))
    # a packed export is a fraction of a plain one, so each format is compared with itself
    method = "files" if path.is_dir() else f"export {suffix_of(path.name)}"
    return StoreEntry(path.name, created_at, size_of(path), method)


def _entry_of_manifest(path: Path) -> StoreEntry:
    content = manifest.read(path)
    try:
        parse_time(content["created_at"], require_zone=True)
        method = str(content.get("method", ""))
        return StoreEntry(str(content["id"]), content["created_at"], int(content["bytes"]), method)
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(
            f"{path / manifest.NAME} is not a manifest of ours: {error!r}."
        ) from error
