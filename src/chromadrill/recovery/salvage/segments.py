"""Which segment is whose, also where the table that says so has lost the rows.

Rows of records name their segment, and the queue and a fingerprint name ids with their collection. So
ids tell whose a segment is.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

import numpy as np

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.id_hashes import Hashes, hashes_of
from chromadrill.chroma.at_rest.index import PICKLE
from chromadrill.chroma.at_rest.pickle_maps import read_maps
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused
from chromadrill.core.model import CollectionInfo

_SAMPLE = 500
_GIVEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_segment_name(name: object) -> bool:
    """Whether it is a name as servers give them, a UUID: a folder in the directory, no way out of it.

    A damaged database says anything, "" and ".." too, and those are the directory and the one around it.
    """
    return isinstance(name, str) and _GIVEN.fullmatch(name) is not None


def vector_segment(store: Store, info: CollectionInfo) -> str | None:
    """Return the name of the folder: of the table, else the one whose pickle knows the records' ids."""
    segment = store.segment(info, "VECTOR")
    if segment is not None:
        return segment.id
    ids = hashes_of([id_ for id_, _ in store.records(info).sample(_SAMPLE)])
    if not len(ids):
        return None
    named = {str(row[0]) for row in store.db.rows("SELECT id FROM segments")}
    for folder in sorted(store.path.iterdir()):
        if folder.is_dir() and folder.name not in named and (folder / PICKLE).is_file():
            try:
                known = read_maps(folder / PICKLE).names.numbers_of(ids) >= 0
            except (OSError, PickleDamaged, PickleRefused):
                continue
            if 2 * np.count_nonzero(known) > len(ids):
                return folder.name
    return None


def name_segments(database: sqlite3.Connection, ids_of: Mapping[str, Hashes]) -> int:
    """Add the rows of segments of records that `segments` has lost; returns how many.

    `ids_of`: the ids of a fingerprint's collections, by the collections' own ids.
    """
    named = "SELECT collection FROM segments WHERE scope = 'METADATA'"
    open_ = [
        str(row[0])
        for row in database.execute(f"SELECT id FROM collections WHERE id NOT IN ({named})")  # noqa: S608
    ]
    lost = "SELECT DISTINCT segment_id FROM embeddings WHERE segment_id NOT IN (SELECT id FROM segments)"
    known = {id_: _known_ids(database, id_, ids_of) for id_ in open_}
    added = 0
    for (segment,) in database.execute(lost).fetchall() if open_ else ():
        rows = database.execute(
            "SELECT embedding_id FROM embeddings WHERE segment_id = ? LIMIT ?", (segment, _SAMPLE)
        )
        sample = hashes_of([str(row[0]) for row in rows])
        owners = [id_ for id_ in open_ if 2 * np.isin(sample, known[id_]).sum() > len(sample)]
        if len(owners) == 1:
            row = (segment, "urn:chroma:segment/metadata/sqlite", "METADATA", owners[0])
            database.execute(
                "INSERT INTO segments (id, type, scope, collection) VALUES (?, ?, ?, ?)", row
            )
            open_.remove(owners[0])
            added += 1
    return added


def _known_ids(
    database: sqlite3.Connection, collection: str, ids_of: Mapping[str, Hashes]
) -> Hashes:
    if collection in ids_of:
        return ids_of[collection]
    rows = database.execute("SELECT DISTINCT id, topic FROM embeddings_queue").fetchall()
    return hashes_of([str(id_) for id_, topic in rows if str(topic).endswith(f"/{collection}")])
