"""Which segment is whose, also where the table that says so has lost the rows.

Collections may number their records alike, so an id tells nothing. The number of a write is given once
in a store: the queue says of which collection that write is, rows of records and `max_seq_id` say of
which segment. Else a fingerprint knows the documents of a collection.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.id_hashes import Hashes, IdMap, hashes_of
from chromadrill.chroma.at_rest.index import PICKLE
from chromadrill.chroma.at_rest.log import as_seq_id
from chromadrill.chroma.at_rest.pickle_maps import read_maps
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused
from chromadrill.chroma.at_rest.records import DOCUMENT
from chromadrill.chroma.fingerprint.digests import digest
from chromadrill.core.model import CollectionInfo, Fingerprint

_SAMPLE = 500
_LAST_WRITE = "SELECT seq_id FROM max_seq_id WHERE segment_id = ?"
_LAST_WRITES = "SELECT segment_id, seq_id FROM max_seq_id"
_TOPIC = "SELECT topic FROM embeddings_queue WHERE seq_id = ?"
_WRITES_OF_RECORDS = (  # before 1.0 the number of a record's write was kept as 8 bytes
    "SELECT DISTINCT q.topic FROM embeddings_queue q JOIN embeddings e"
    " ON e.segment_id = ? AND e.embedding_id = q.id"
    " AND (e.seq_id = q.seq_id OR hex(e.seq_id) = printf('%016X', q.seq_id))"
)
_LAST_WRITES_OF_RECORDS = (
    "SELECT m.segment_id, s.collection FROM embeddings e JOIN max_seq_id m ON m.seq_id = e.seq_id"
    " JOIN segments s ON s.id = e.segment_id AND s.scope = 'METADATA'"
)
_GIVEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_segment_name(name: object) -> bool:
    """Whether it is a name as servers give them, a UUID: a folder in the directory, no way out of it.

    A damaged database says anything, "" and ".." too, and those are the directory and the one around it.
    """
    return isinstance(name, str) and _GIVEN.fullmatch(name) is not None


# ---- folders of indexes -----------------------------------------------------------------------------
def vector_segment(store: Store, info: CollectionInfo) -> str | None:
    """Return the name of the folder: of the table, else the one that can be this collection's alone.

    None where it has none, or nothing tells it from another's.
    """
    segment = store.segment(info, "VECTOR")
    if segment is not None:
        return segment.id
    sample = _sample(store, info)
    folders = {folder: ids for folder, ids in _unnamed_folders(store) if _knows(ids, sample)}
    owners = _owners_of_folders(store) if folders else {}
    told = [folder for folder in folders if owners.get(folder) == {info.id}]
    if len(told) == 1:
        return told[0]
    untold = [folder for folder in folders if folder not in owners]
    if told or len(untold) != 1:
        return None
    (folder,) = untold
    others = [
        other
        for other in store.collections()
        if other.id != info.id and store.segment(other, "VECTOR") is None
    ]
    is_anothers = any(_knows(folders[folder], _sample(store, other)) for other in others)
    return None if is_anothers else folder


def _unnamed_folders(store: Store) -> Iterator[tuple[str, IdMap]]:
    named = {str(row[0]) for row in store.db.rows("SELECT id FROM segments")}
    for folder in sorted(store.path.iterdir()):
        if folder.is_dir() and folder.name not in named and (folder / PICKLE).is_file():
            with suppress(OSError, PickleDamaged, PickleRefused):
                yield folder.name, read_maps(folder / PICKLE).names


def _owners_of_folders(store: Store) -> dict[str, set[str]]:
    """The collections of whose writes each folder has the newest one."""
    owners = defaultdict[str, set[str]](set)
    for segment, number in store.db.rows(_LAST_WRITES):
        row = store.db.one(_TOPIC, as_seq_id(number))
        if row is not None:
            owners[str(segment)].add(_collection_of(row[0]))
    for segment, collection in store.db.rows(_LAST_WRITES_OF_RECORDS):
        owners[str(segment)].add(str(collection))
    return owners


def _sample(store: Store, info: CollectionInfo) -> Hashes:
    segment = store.segment(info, "METADATA")
    sql = "SELECT embedding_id FROM embeddings WHERE segment_id = ? LIMIT ?"
    rows = store.db.rows(sql, segment.id, _SAMPLE) if segment else ()
    return hashes_of([str(row[0]) for row in rows])


def _knows(ids: IdMap, sample: Hashes) -> bool:
    return bool(2 * np.count_nonzero(ids.numbers_of(sample) >= 0) > len(sample))


# ---- segments of records ----------------------------------------------------------------------------
def name_segments(database: sqlite3.Connection, before: Fingerprint | None) -> int:
    """Add the rows of segments of records that `segments` has lost; returns how many.

    `before`: a fingerprint, of which a segment and a collection must be each other's only match.
    """
    # of a lost row the index on its key knows the key: such a row would hide that it is lost
    database.execute("DELETE FROM segments WHERE scope IS NULL OR collection IS NULL")
    named = "SELECT collection FROM segments WHERE scope = 'METADATA'"
    open_ = {
        str(row[0])
        for row in database.execute(f"SELECT id FROM collections WHERE id NOT IN ({named})")  # noqa: S608
    }
    lost = "SELECT DISTINCT segment_id FROM embeddings WHERE segment_id NOT IN (SELECT id FROM segments)"
    segments = {str(row[0]) for row in database.execute(lost)} if open_ else set()
    owners = _only_matches(
        (segment, collection)
        for segment in segments
        for collection in _writers_of(database, segment)
    )
    owners = {segment: owner for segment, owner in owners.items() if owner in open_}
    open_ -= set(owners.values())
    if before is not None:
        owners |= _owners_by_documents(database, segments - owners.keys(), open_, before)
    kind = "urn:chroma:segment/metadata/sqlite"
    database.executemany(
        "INSERT INTO segments (id, type, scope, collection) VALUES (?, ?, 'METADATA', ?)",
        [(segment, kind, owner) for segment, owner in owners.items()],
    )
    return len(owners)


def _writers_of(database: sqlite3.Connection, segment: str) -> set[str]:
    """The collections of the queue whose writes the segment has."""
    topics = database.execute(_WRITES_OF_RECORDS, (segment,)).fetchall()
    for (number,) in database.execute(_LAST_WRITE, (segment,)).fetchall():
        topics += database.execute(_TOPIC, (as_seq_id(number),))
    return {_collection_of(topic) for (topic,) in topics}


def _owners_by_documents(
    database: sqlite3.Connection, segments: set[str], open_: set[str], before: Fingerprint
) -> dict[str, str]:
    """Segment -> collection, where most of the records' documents are the fingerprint's."""
    known = _documents_of(before, open_)
    is_all = known.keys() == open_
    matches = []
    for segment in segments:
        rows = database.execute(
            "SELECT e.embedding_id, m.string_value FROM embeddings e JOIN embedding_metadata m"
            " ON m.id = e.id AND m.key = ? WHERE e.segment_id = ? AND m.string_value IS NOT NULL"
            " LIMIT ?",
            (DOCUMENT, segment, _SAMPLE),
        ).fetchall()
        if not rows and is_all:  # then ids alone must do, and no unknown collection can have them
            rows = database.execute(
                "SELECT embedding_id, NULL FROM embeddings WHERE segment_id = ? LIMIT ?",
                (segment, _SAMPLE),
            ).fetchall()
        sample = _hashes_of_pairs((id_, _digest(text)) for id_, text in rows)
        matches += [
            (segment, collection)
            for collection, documents in known.items()
            if 2 * np.isin(sample, documents).sum() > len(sample)
        ]
    return _only_matches(matches)


def _documents_of(before: Fingerprint, wanted: set[str]) -> dict[str, Hashes]:
    """Hashes of (id, digest of the document) of each collection, by the collection's own id."""
    return {
        one.info.id: _hashes_of_pairs(
            pair
            for batch in one.records.batches()
            for pair in zip(
                batch.column("id").to_pylist(), batch.column("document").to_pylist(), strict=True
            )
        )
        for one in before.collections.values()
        if one.info.id in wanted
    }


def _digest(text: object) -> bytes | None:
    return digest(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else None


def _hashes_of_pairs(pairs: Iterable[tuple[object, bytes | None]]) -> Hashes:
    return np.fromiter(map(hash, pairs), np.int64)


def _only_matches(matches: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those of the pairs of which each is the other's only match."""
    pairs = list(matches)
    of_left, of_right = Counter(left for left, _ in pairs), Counter(right for _, right in pairs)
    return {left: right for left, right in pairs if of_left[left] == of_right[right] == 1}


def _collection_of(topic: object) -> str:
    """A topic ends with the collection's id."""
    return str(topic).rpartition("/")[2]
