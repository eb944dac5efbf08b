"""A torn index, and its vectors still in the server's queue: the server makes the index anew from it.

The queue (`embeddings_queue`) is the only synced copy of the newest vectors. While it is whole the
shortest way back is to forget the index: at its next start the server replays the queue, bit for bit.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups.data_place import require_store
from chromadrill.chroma.at_rest import Store, StoreUnreadable
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import ReadError
from chromadrill.recovery.salvage.quick_ways import drop_indexes, lost_by_replay
from chromadrill.recovery.salvage.unfinished import require_new, unfinished_folder

DATABASE = "chroma.sqlite3"
KEEP_QUEUE = """UPDATE embeddings_queue_config SET config_json_str =
    replace(config_json_str, '"automatically_purge":true', '"automatically_purge":false')"""


@dataclass(frozen=True, slots=True)
class Replay:
    """What dropping the damaged indexes gives. `collections`: whose index was dropped, keys.

    `read_errors`: what is wrong afterwards; empty: every vector is in the queue.
    """

    collections: tuple[str, ...]
    read_errors: tuple[ReadError, ...]
    records: int

    @property
    def is_whole(self) -> bool:
        """Whether a server on the files has every record with its vector."""
        return not self.read_errors


def replay_into(data: Path, into: Path) -> Replay:
    """Copy a stopped server's directory, and drop the indexes that are damaged from the copy.

    `data` is only read, and `into` is made only where the copy is whole. Raises Refused where `into`
    exists, Unavailable where the database itself cannot be read.
    """
    require_new(into)
    require_store(data)
    try:
        with Store.open(data):
            pass
    except StoreUnreadable as error:
        raise Unavailable(f"{error.sentence.rstrip('.')}: no queue can be read.") from error
    damaged = {error.where for error in at_rest.observe(data).read_errors}
    try:
        with unfinished_folder(into) as unfinished:
            shutil.copytree(data, unfinished, dirs_exist_ok=True)
            try:
                collections = drop_indexes(unfinished, damaged)
            except StoreUnreadable as error:
                raise Unavailable(f"{data}: {error.sentence}") from error
            observation = at_rest.observe(unfinished)
            errors = [*observation.read_errors, *lost_by_replay(data, unfinished, collections)]
            if not errors:
                unfinished.replace(into)
    except OSError as error:
        raise Unavailable(f"{data} cannot be copied to {into}: {error}") from error
    return Replay(tuple(collections), tuple(errors), sum(observation.counts.values()))


def keep_queue(data: Path) -> None:
    """Make a stopped server keep its queue: it never purges it again, and the database grows.

    Raises Unavailable where the database has no such setting.
    """
    try:
        with contextlib.closing(sqlite3.connect(data / DATABASE)) as database, database:
            changed = database.execute(KEEP_QUEUE).rowcount
    except sqlite3.Error as error:
        raise Unavailable(f"{data / DATABASE} cannot be changed: {error}") from error
    if not changed:
        raise Unavailable(f"{data / DATABASE} has no setting of its queue.")
