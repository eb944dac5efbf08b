"""Backup method `volume copy`: the data directory of a stopped server, fingerprint beside it.

    ID/manifest.json   what, when, of what; every file with size and SHA-256
    ID/fingerprint     taken from the running server just before the stop
    ID/data/           the files

Sqlite and segment folders must be of one instant, and a hot journal belongs to its database: the
copy is taken stopped, and a restore wipes the target first (a leftover `-journal` is rolled into a
restored file and destroys it, measured).
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from chromadrill.backups import manifest
from chromadrill.chroma.client import connect
from chromadrill.clock import utc_now
from chromadrill.errors import Refused, Unavailable, UsageError, did_you_mean
from chromadrill.fingerprint import at_rest, live, store
from chromadrill.ladder import judge_files
from chromadrill.model import Backup, Fingerprint, Outcome, Scope

METHOD = "volume copy"
ROOM = 1.1  # free bytes wanted, of what is to be copied


class Stoppable(Protocol):
    """What a volume copy needs of a target."""

    name: str

    @property
    def url(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def volume(self) -> AbstractContextManager[Path]: ...


def snapshot(
    target: Stoppable, into: Path, *, name: str | None = None, scopes: Sequence[Scope]
) -> Backup:
    """Take the fingerprint, stop, copy, start again. The server is started again on failure too.

    Raises Refused when there is no room or the name is taken, before anything is stopped;
    Unavailable when records changed between fingerprint and stop.
    """
    backup_id = _new_id(into, name)
    with connect(target.url) as chroma:
        before = live.fingerprint(chroma, scopes)
    require_room(into, _size(target))
    target.stop()
    try:
        partial = into / f".{backup_id}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        with target.volume() as data:
            require_room(into, size_of(data))
            copy_tree(data, partial / "data")
        _require_same(partial / "data", before)
        store.save(before, partial / "fingerprint")
        files = manifest.files_of(partial / "data")
        manifest.write(
            partial,
            {
                "id": backup_id,
                "method": METHOD,
                "created_at": utc_now(),
                "source": {"target": target.name, "url": target.url},
                "versions": dict(before.versions),
                "records": before.records,
                "bytes": sum(each["bytes"] for each in files),
                "fingerprint_sha256": manifest.sha256(partial / "fingerprint"),
                "files": files,
            },
        )
        partial.rename(into / backup_id)  # whole or not there at all
    finally:
        target.start()
    return opened(into / backup_id)


def _require_same(data: Path, before: Fingerprint) -> None:
    """The copy must hold what the fingerprint says: a write in between would make it worthless."""
    verdicts = judge_files(at_rest.observe(data, like=before), before)
    wrong = [each for each in verdicts if each.outcome is not Outcome.PASS]
    if wrong:
        raise Unavailable(
            f"The copy is not what the fingerprint says: {wrong[0].check}: {wrong[0].message}.",
            next_step="Stop the writers, then take the snapshot again.",
        )


def restore(backup: Backup, data: Path) -> None:
    """Put the files back into the emptied directory `data`, after the backup itself was checked.

    Raises Unavailable when the backup is not what its manifest says: nothing is touched then.
    """
    folder = Path(backup.path)
    verdict = manifest.same_files(folder, manifest.read(folder))
    if verdict.outcome is not Outcome.PASS:
        raise Unavailable(
            f"Backup {backup.id} is not what its manifest says: {verdict.message}. Nothing touched.",
            next_step="Take an older backup: python -m chromadrill.ops --target T snapshots",
        )
    require_room(data, backup.bytes, freed=size_of(data))
    empty(data)
    copy_tree(folder / "data", data)


def opened(folder: Path) -> Backup:
    """The backup in `folder`; raises Unavailable when it is none, or has no fingerprint."""
    content = manifest.read(folder)
    beside = folder / "fingerprint"
    if not beside.is_file():
        raise Unavailable(f"{folder} has no fingerprint beside its files: nothing to prove it by.")
    if manifest.sha256(beside) != content["fingerprint_sha256"]:
        raise Unavailable(f"{beside} is not the fingerprint that the manifest names.")
    return Backup(
        id=content["id"],
        path=str(folder),
        method=content["method"],
        created_at=content["created_at"],
        bytes=content["bytes"],
    )


def listed(folder: Path) -> list[Backup]:
    """Whole backups below `folder`, newest first."""
    found = [
        opened(each)
        for each in folder.iterdir()
        if not each.name.startswith(".") and (each / manifest.NAME).is_file()
    ]
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def find(backups: Sequence[Backup], backup_id: str) -> Backup:
    """By id, or `latest`."""
    if backup_id == "latest" and backups:
        return backups[0]
    for each in backups:
        if each.id == backup_id:
            return each
    raise UsageError(f"No backup '{backup_id}'. {did_you_mean(backup_id, [b.id for b in backups])}")


def require_room(place: Path, wanted: int, *, freed: int = 0) -> None:
    """Raise Refused unless `wanted` bytes and a tenth more are free, before a copy begins."""
    free = shutil.disk_usage(place).free + freed
    if free < wanted * ROOM:
        raise Refused(
            f"No room in {place}: {wanted * ROOM / 1e6:.0f} MB wanted, {free / 1e6:.0f} MB free."
            " Nothing was copied.",
            next_step="Free space there, or use another disk.",
        )


def empty(folder: Path) -> None:
    """Remove everything in `folder`, hidden files and leftover journals too."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def copy_tree(source: Path, to: Path) -> None:
    """Copy files, then flush each to disk: a backup in the page cache alone is none."""
    shutil.copytree(source, to, dirs_exist_ok=True)
    for path in [to, *to.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _new_id(into: Path, name: str | None) -> str:
    backup_id = name or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:4]}"
    if Path(backup_id).name != backup_id or backup_id.startswith("."):
        raise UsageError(f"'{backup_id}' is no name for a snapshot: use letters, digits, '-', '_'.")
    if (into / backup_id).exists():
        raise Refused(f"A snapshot '{backup_id}' exists already; it was not touched.")
    return backup_id


def _size(target: Stoppable) -> int:
    data = getattr(target, "data", None)
    return size_of(data) if isinstance(data, Path) else 0


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
