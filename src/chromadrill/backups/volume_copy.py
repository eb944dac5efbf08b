"""Backup method `volume-copy`: the data directory of a stopped server, fingerprint beside it.

    ID/manifest.json   what, when, of what; every file with its checksums; the coverage, see below
    ID/fingerprint     taken from the running server just before the stop
    ID/data/           the files

Where clients write between the fingerprint and the stop, the copy is another state than either. Then
the server is read again when it runs, the copy is judged by both readings, the manifest says how much
of it is proven (`coverage`), and the fingerprint is of the copy itself.

SQLite's file and the segment folders must be of one instant, and a hot journal belongs to its
database. So the server is stopped for the copy, and a restore empties the volume first: a leftover
`-journal` is rolled into a restored file and destroys it (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

from chromadrill.backups import catalog, manifest
from chromadrill.backups.files import copy_tree, empty, require_room
from chromadrill.backups.interruption import stop_for_backup
from chromadrill.backups.under_writers import FirstReading, ProvenCopy, prove_copy, read_before
from chromadrill.checks.suite import judge_files
from chromadrill.chroma.at_rest.releases import refuse_newer
from chromadrill.chroma.connection import connect
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import size_of
from chromadrill.core.model import Backup, Fingerprint, Outcome, Scope
from chromadrill.core.protocols import HasRelease, Stoppable, data_folder_of

METHOD = "volume-copy"


def take(
    target: Stoppable, into: Path, *, name: str | None = None, scopes: Sequence[Scope]
) -> Backup:
    """Take the fingerprint, stop, copy, start again, prove the copy meanwhile.

    The server is started again on failure too.

    Raises Refused where there is no room or the name is used, before anything is stopped. Raises
    Unavailable for a sick server, and for a copy that neither it nor its clients can have made so.
    """
    backup_id = catalog.new_id(into, name)
    with connect(target.url) as chroma:
        reading = read_before(chroma, scopes)
    require_room(into, _size(target))
    # the server starts beside the proof of the copy: clients wait for the copying alone
    with ThreadPoolExecutor(1) as pool, catalog.new_folder(into, backup_id) as folder:
        start = _copy_stopped(target, folder / "data", pool)
        copy = prove(folder / "data", reading, target.url, wait=start.result)
        source = {"target": target.name, "url": target.url}
        catalog.describe(
            folder,
            copy.fingerprint,
            backup_id=backup_id,
            method=METHOD,
            source=source,
            **copy.facts,
        )
    start.result()
    return catalog.open_backup(into / backup_id)


def _copy_stopped(target: Stoppable, to: Path, pool: Executor) -> Future[None]:
    """Stop, copy the volume, start again whatever came of it; returns the start, which goes on."""
    stop_for_backup(target)
    try:
        with target.volume() as data:
            require_room(to.parent.parent, size_of(data))
            copy_tree(data, to)
    finally:
        start = pool.submit(target.start)
    return start


def put_back(backup: Backup, target: Stoppable) -> None:
    """Empty the volume and put the files back; the server must be stopped, and stays so.

    Raises Refused for a backup of a newer release than the target runs; nothing is touched then.
    """
    if isinstance(target, HasRelease):
        refuse_newer(Path(backup.path) / "data", target.release)
    with target.volume() as data:
        restore(backup, data)


def prove(
    data: Path, reading: FirstReading, url: str, *, wait: Callable[[], object] = lambda: None
) -> ProvenCopy:
    """The copy must hold what was read before, or what clients made of it until it was taken.

    `wait`: returns when the server can be read again, where it has to be. Raises Unavailable.
    """
    difference = _difference(data, reading.fingerprint)
    if difference:
        wait()
        return prove_copy(data, reading.fingerprint, url, difference)
    if reading.error is not None:
        raise reading.error  # nobody wrote: the server itself is sick
    return ProvenCopy(reading.fingerprint, {})


def _difference(data: Path, before: Fingerprint) -> str:
    """How the copy differs from the fingerprint; "" where it does not.

    A server that holds nothing yet has nothing to compare; its volume is copied all the same.
    """
    verdicts = judge_files(at_rest.observe(data, like=before), before)
    accepted = {Outcome.PASS} if before.collections else {Outcome.PASS, Outcome.UNKNOWN}
    wrong = [verdict for verdict in verdicts if verdict.outcome not in accepted]
    return f"{wrong[0].check}: {wrong[0].message}" if wrong else ""


def restore(backup: Backup, data: Path) -> None:
    """Empty the directory `data` and put the files back, after the backup itself was checked.

    Raises Unavailable where the backup is not what its manifest says; nothing is touched then.
    """
    folder = Path(backup.path)
    verdict = manifest.compare_files(folder, manifest.read(folder), manifest.XXH3)
    if verdict.outcome is not Outcome.PASS:
        raise Unavailable(
            f"Backup {backup.id} is not what its manifest says: {verdict.message}. Nothing was touched.",
            next_step="Take an older backup: chromadrill ops --target T snapshots",
        )
    require_room(data, backup.bytes, freed=size_of(data))
    empty(data)
    copy_tree(folder / "data", data)


def _size(target: Stoppable) -> int:
    data = data_folder_of(target)
    return size_of(data) if data else 0
