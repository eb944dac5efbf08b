"""A restic repository: its snapshots, and the size of the newest. It is only read, without a lock."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from typing import Any

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import BackupStore, StoreEntry
from chromadrill.core.redaction import plain

LIMIT_S = 120.0


def store(named: str) -> BackupStore:
    """REPOSITORY, or REPOSITORY#TAG, or REPOSITORY#/PATH: which of its snapshots are meant.

    The password is restic's own affair: RESTIC_PASSWORD_FILE or its other ways. Raises Unavailable
    where snapshots of several paths lie there and none was named.
    """
    repository, named_one, which = named.partition("#")
    if named_one and not which:
        raise UsageError(
            f"--store restic:{plain(named)}: a tag, or a path from / on, is wanted after #."
        )
    only = ["--path" if which.startswith("/") else "--tag", which] if which else []
    where = f"restic {plain(repository)}"  # its URL may hold a password
    snapshots = _restic(repository, "snapshots", *only) or []  # some releases say null for none
    try:
        paths = {", ".join(each["paths"]) for each in snapshots}
        found = [StoreEntry(each["short_id"], each["time"], None) for each in snapshots]
        found.sort(key=lambda each: datetime.fromisoformat(each.created_at))
        if len(paths) > 1 and not which:
            raise Unavailable(
                f"{where}: snapshots of several paths: {'; '.join(sorted(paths)[:5])}.",
                next_step=f"Say which: --store restic:{plain(repository)}#TAG, or #/PATH.",
            )
        sized = [
            StoreEntry(each.id, each.created_at, _size(repository, each.id)) for each in found[-2:]
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise Unavailable(f"{where}: not what restic says of snapshots: {error!r}.") from error
    return BackupStore(f"{where} ({which or ''.join(paths) or 'empty'})", (*found[:-2], *sized))


def _size(repository: str, snapshot: str) -> int:
    stats = _restic(repository, "stats", "--mode", "restore-size", snapshot)
    return int(stats["total_size"])


def _restic(repository: str, *words: str) -> Any:
    command = ["restic", "--repo", repository, "--json", "--no-lock", *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Unavailable("restic is not here.", next_step="apt-get install restic") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"restic {words[0]}: no answer within {LIMIT_S:g} s.") from error
    if done.returncode != 0:
        raise Unavailable(f"restic {words[0]}: {plain(done.stderr.strip()[-500:])}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Unavailable(f"restic {words[0]}: not JSON: {plain(done.stdout[:200])!r}.") from error
