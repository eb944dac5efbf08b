"""Usage and disk of a target; None where the target does not show it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from chromadrill.core.clock import parse_time
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Usage
from chromadrill.core.protocols import HasMetrics, HasSnapshots, Target, data_folder_of
from chromadrill.monitoring.diagnosis.symptoms import CollectionSize, StoreUsage

SYNC = 1000  # writes that an index of default settings leaves in the log


def usage_of(target: Target) -> Usage | None:
    if not isinstance(target, HasMetrics):
        return None
    with contextlib.suppress(DrillError, OSError):
        return target.metrics()
    return None


def growth_of(target: Target) -> float | None:
    """Bytes a day between the oldest and the newest snapshot, if an hour lies between them."""
    if not isinstance(target, HasSnapshots):
        return None
    try:
        backups = sorted(target.snapshots(), key=lambda backup: backup.created_at)
    except (DrillError, OSError):
        return None
    comparable = [backup for backup in backups if backup.method == backups[-1].method]
    if len(comparable) < 2:
        return None
    first, last = comparable[0], comparable[-1]
    begin, end = (parse_time(backup.created_at) for backup in (first, last))
    days = (end - begin).total_seconds() / 86_400
    return (last.bytes - first.bytes) / days if days > 1 / 24 else None


def is_database_missing(target: Target) -> bool | None:
    data = data_folder_of(target)
    return not (data / "chroma.sqlite3").is_file() if data else None


def store_usage_of(target: Target, sizes: Sequence[CollectionSize]) -> StoreUsage | None:
    """The data directory, where it can be reached while the server runs; opened read-only."""
    data = data_folder_of(target)
    if data is None or not (data / "chroma.sqlite3").is_file():
        return None
    total = 0
    by_folder: dict[str, int] = {}
    for where, _, names in os.walk(data):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                bytes_ = (Path(where) / name).stat().st_size
                total += bytes_
                folder = Path(where).relative_to(data).as_posix()
                by_folder[folder] = by_folder.get(folder, 0) + bytes_
    try:
        base = sqlite3.connect(f"file:{data / 'chroma.sqlite3'}?mode=ro", uri=True, timeout=2)
        try:
            known = {str(row[0]) for row in base.execute("SELECT id FROM segments")}
            queued = int(base.execute("SELECT count(*) FROM embeddings_queue").fetchone()[0])
        finally:
            base.close()
    except sqlite3.Error:
        return None
    orphans = sum(size for name, size in by_folder.items() if name != "." and name not in known)
    return StoreUsage(total, orphans, queued, SYNC * max(1, len(sizes)))
