"""A restic repository as a store of backups. It is only read, without a lock."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from chromadrill.core.clock import parse_time
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import BackupStore, StoreEntry
from chromadrill.core.redaction import mask_secrets

LIMIT_S = 120.0


def store(named: str) -> BackupStore:
    """Return the snapshots of REPOSITORY, REPOSITORY#TAG or REPOSITORY#/PATH, the newest with sizes.

    restic itself finds the password: RESTIC_PASSWORD_FILE and its other variables. Raises UsageError
    for an empty TAG, Unavailable where restic fails, and where there are snapshots of several paths
    and none was named.
    """
    repository, separator, which = named.partition("#")
    if separator and not which:
        raise UsageError(
            f"--store restic:{mask_secrets(named)}: name a tag or an absolute path after #."
        )
    only = ["--path" if which.startswith("/") else "--tag", which] if which else []
    where = f"restic {mask_secrets(repository)}"  # its URL may hold a password
    snapshots = _restic(repository, "snapshots", *only) or []  # some releases say null for none
    try:
        paths = {", ".join(row["paths"]) for row in snapshots}
        entries = [StoreEntry(row["short_id"], row["time"], None) for row in snapshots]
        entries.sort(key=lambda entry: parse_time(entry.created_at))
        if len(paths) > 1 and not which:
            raise Unavailable(
                f"{where} has snapshots of several paths: {'; '.join(sorted(paths)[:5])}.",
                next_step=f"Name one: --store restic:{mask_secrets(repository)}#TAG, or #/PATH.",
            )
        newest = [StoreEntry(e.id, e.created_at, _size(repository, e.id)) for e in entries[-2:]]
    except (TypeError, KeyError, ValueError) as error:
        raise Unavailable(f"{where}: the answer is not a list of snapshots: {error!r}.") from error
    return BackupStore(f"{where} ({which or ''.join(paths) or 'empty'})", (*entries[:-2], *newest))


def _size(repository: str, snapshot: str) -> int:
    stats = _restic(repository, "stats", "--mode", "restore-size", snapshot)
    return int(stats["total_size"])


def _restic(repository: str, *args: str) -> Any:
    command = ["restic", "--repo", repository, "--json", "--no-lock", *args]
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Unavailable("restic is not installed.", next_step="apt-get install restic") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"restic {args[0]} did not answer within {LIMIT_S:g} s.") from error
    if process.returncode != 0:
        raise Unavailable(f"restic {args[0]}: {mask_secrets(process.stderr.strip()[-500:])}")
    try:
        return json.loads(process.stdout)
    except ValueError as error:
        raise Unavailable(
            f"restic {args[0]} answered no JSON: {mask_secrets(process.stdout[:200])!r}."
        ) from error
