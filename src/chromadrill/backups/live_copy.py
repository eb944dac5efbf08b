"""Backup method `live-copy`: the data directory of a running server, which nobody stops.

SQLite's write lock is held from outside, so writers wait and readers go on. Where the file system can
clone files (xfs, btrfs), the lock is held for the cloning alone, whatever the size, and the clones are
copied afterwards. Elsewhere it is held for the whole copy, and writers wait the longer the more there
is. Either way index files are at rest: half of one is in no copy.

The folder is that of `volume-copy`, and so is the proof: writers go on, so the server is read before
and after, and the manifest says how much of the copy is proven. It says as well how it was copied:
`source.way` is reflink or lock-copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromadrill.backups import catalog, volume_copy
from chromadrill.backups.files import require_room
from chromadrill.backups.hot_copy.live import copy_live
from chromadrill.backups.under_writers import read_before
from chromadrill.chroma.connection import connect
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import size_of
from chromadrill.core.model import Backup, Scope
from chromadrill.core.protocols import HotCopyable, Stoppable

METHOD = "live-copy"


def take(
    target: Stoppable, into: Path, *, name: str | None = None, scopes: Sequence[Scope]
) -> Backup:
    """Take the fingerprint, copy under the lock, prove the copy. The server runs all the time.

    Raises Refused where there is no room or the name is used. Raises Unavailable where the server's
    directory is out of our reach, for a sick server, and for a copy that neither it nor its clients can
    have made so.
    """
    if not isinstance(target, HotCopyable):
        raise Unavailable(
            f"{target.name}: the running server's directory is not at hand.",
            next_step="Use another method: volume-copy, or export.",
        )
    data = target.live_data()
    backup_id = catalog.new_id(into, name)
    with connect(target.url) as chroma:
        reading = read_before(chroma, scopes)
    require_room(into, size_of(data))
    with catalog.new_folder(into, backup_id) as folder:
        folder.mkdir()
        way = copy_live(data, folder / "data").way
        copy = volume_copy.prove(folder / "data", reading, target.url)
        catalog.describe(
            folder,
            copy.fingerprint,
            backup_id=backup_id,
            method=METHOD,
            source={"target": target.name, "url": target.url, "way": way},
            **copy.facts,
        )
    return catalog.open_backup(into / backup_id)


put_back = volume_copy.put_back
