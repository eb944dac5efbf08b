"""A restic repository as a store of backups. It is only read, without a lock."""

from __future__ import annotations

from chromadrill.backups.sources.restic import PREFIX, ResticSource, parse_source
from chromadrill.core.clock import parse_time
from chromadrill.core.model import BackupStore, StoreEntry
from chromadrill.core.redaction import mask_secrets

LIMIT_S = 120.0


def store(named: str) -> BackupStore:
    """Return the snapshots of REPOSITORY[#TAG or #/PATH][#host=HOST], the newest with sizes.

    restic itself finds the password: RESTIC_PASSWORD_FILE and its other variables. Raises UsageError
    for an empty TAG, Unavailable where restic fails, and where there are snapshots of several paths
    or hosts and none was named.
    """
    source = parse_source("", f"{PREFIX}{named}", LIMIT_S)
    snapshots = source.snapshots()
    try:
        paths = sorted({", ".join(row["paths"]) for row in snapshots})
        entries = [StoreEntry(row["short_id"], row["time"], None) for row in snapshots]
        entries.sort(key=lambda entry: parse_time(entry.created_at))
        newest = [StoreEntry(e.id, e.created_at, _size(source, e.id)) for e in entries[-2:]]
    except (TypeError, KeyError, ValueError) as error:
        raise source.not_a_list(error) from error
    where = f"restic {mask_secrets(source.repository)}"  # its URL may hold a password
    what = source.named or "".join(paths) or "empty"
    return BackupStore(f"{where} ({what})", (*entries[:-2], *newest))


def _size(source: ResticSource, snapshot: str) -> int:
    stats = source.ask("stats", "--mode", "restore-size", snapshot)
    return int(stats["total_size"])
