"""The catalog of backups in a folder, one subfolder each: manifest, fingerprint, data; all or none."""

from __future__ import annotations

import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.files import flush_folder
from chromadrill.core import process_tags
from chromadrill.core.clock import compact_time, utc_now
from chromadrill.core.errors import Refused, Unavailable, UsageError, did_you_mean
from chromadrill.core.model import JSON, Backup, Fingerprint

LOG = logging.getLogger(__name__)
AFTER = "after.fingerprint"  # beside the fingerprint; of a platform's snapshot under writers
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@contextmanager
def new_folder(into: Path, backup_id: str) -> Iterator[Path]:
    """Give a folder to fill; at the end it becomes `into`/`backup_id`, on an error it is removed.

    What runs that were killed had begun is removed first: each is as large as the data.
    """
    for old in into.glob(".*.partial"):
        if process_tags.is_dead(old.name):
            shutil.rmtree(old, ignore_errors=True)
    partial = into / f".{backup_id}.{process_tags.tag(os.getpid())}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        partial.rename(into / backup_id)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    flush_folder(into)


def describe(
    folder: Path,
    before: Fingerprint,
    *,
    backup_id: str,
    method: str,
    source: JSON,
    after: Fingerprint | None = None,
    **more: object,
) -> None:
    """Write the fingerprint `before` and the manifest beside `folder`/data.

    `source`: what was backed up. `after`: of the same database, once it was backed up, where clients
    wrote meanwhile. `more`: further fields of the manifest.
    """
    from chromadrill.chroma.fingerprint import fingerprint_file  # brings pyarrow: a list needs none

    fingerprint_file.save(before, folder / "fingerprint")
    if after is not None:
        fingerprint_file.save(after, folder / AFTER)
        more["after_sha256"] = manifest.sha256(folder / AFTER)
    files = manifest.files_of(folder / "data", [manifest.SHA256, manifest.XXH3])
    manifest.write(
        folder,
        {
            "id": backup_id,
            "method": method,
            "created_at": utc_now(),
            "source": source,
            "versions": dict(before.versions),
            "records": before.records,
            "bytes": sum(file["bytes"] for file in files),
            "fingerprint_sha256": manifest.sha256(folder / "fingerprint"),
            "files": files,
            **more,
        },
    )


def open_backup(folder: Path) -> Backup:
    """Return the backup in `folder`. Raises Unavailable where it is none, or lacks its fingerprint."""
    content = manifest.read(folder)
    fingerprint = folder / "fingerprint"
    if not fingerprint.is_file():
        raise Unavailable(f"{folder} has no fingerprint beside its files: nothing to prove it by.")
    try:
        if manifest.sha256(fingerprint) != content["fingerprint_sha256"]:
            raise Unavailable(f"{fingerprint} is not the fingerprint that the manifest names.")
        return Backup(
            id=content["id"],
            path=str(folder),
            method=content["method"],
            created_at=content["created_at"],
            bytes=content["bytes"],
        )
    except KeyError as error:
        raise Unavailable(f"{folder / manifest.NAME} says nothing of {error}.") from error


def list_backups(folder: Path) -> list[Backup]:
    """Return the backups below `folder`, newest first; of one that cannot be opened the log says why.

    On the day that they are needed, one that is damaged must not keep the others away.
    """
    backups, damaged = _opened(folder)
    for name, why in damaged.items():
        LOG.warning("%s The snapshot %s is left out.", why, name)
    return sorted(backups, key=lambda backup: backup.created_at, reverse=True)


def find(backups: Sequence[Backup], backup_id: str) -> Backup:
    """Return the backup of that id, or the first for `latest`. Raises UsageError for an unknown id.

    Raises Refused for `latest` where one beside it cannot be opened: that may be the latest.
    """
    if backup_id == "latest" and backups:
        # a platform's own has no folder here
        damaged = _opened(Path(backups[0].path).parent)[1] if backups[0].path else {}
        if damaged:
            raise Refused(
                f"{', '.join(damaged)} cannot be opened, and may be newer than {backups[0].id}.",
                next_step=f"Name the one that is meant: {backups[0].id} is the newest that can be.",
            )
        return backups[0]
    for backup in backups:
        if backup.id == backup_id:
            return backup
    known = [backup.id for backup in backups]
    raise UsageError(f"No backup '{backup_id}'. {did_you_mean(backup_id, known)}")


def _opened(folder: Path) -> tuple[list[Backup], dict[str, str]]:
    """The backups below `folder`; and by its name, why one cannot be opened."""
    backups, damaged = [], dict[str, str]()
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or not manifest.is_there(entry):
            continue
        try:
            backups.append(open_backup(entry))
        except Unavailable as error:
            damaged[entry.name] = error.sentence
    return backups, damaged


def require_plain(backup_id: str) -> None:
    """Raise UsageError for an id that could be an option, a path, or a word of a shell."""
    if not _PLAIN.fullmatch(backup_id):
        raise UsageError(
            f"'{backup_id}' is no name for a snapshot. A name has letters, digits, '.', '_' and '-',"
            " and begins with a letter, a digit or '_'."
        )


def new_id(into: Path, name: str | None) -> str:
    """Return `name`, or an id from the time. Raises UsageError for a bad name, Refused if it is used."""
    backup_id = name or f"{compact_time(datetime.now(UTC))}-{uuid.uuid4().hex[:4]}"
    require_plain(backup_id)
    if (into / backup_id).exists():
        raise Refused(f"A snapshot '{backup_id}' exists already. It was not touched.")
    return backup_id
