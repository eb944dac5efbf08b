"""The structure of a collection in the files: what can never be true of a healthy one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

import numpy as np

from chromadrill.chroma.at_rest.graph import graph_problems
from chromadrill.chroma.at_rest.id_hashes import Hashes, count_missing
from chromadrill.chroma.at_rest.index import PICKLE
from chromadrill.chroma.at_rest.log import Stretch, as_seq_id, entries, newest_seq_id
from chromadrill.chroma.at_rest.schema import parse_object
from chromadrill.chroma.at_rest.store import Segment, Store
from chromadrill.chroma.at_rest.tables import TableQuestions
from chromadrill.chroma.at_rest.vectors import VectorSource
from chromadrill.chroma.at_rest.waiting_log import NAMED, waiting_problems
from chromadrill.core.memory import give_back_freed
from chromadrill.core.model import CollectionInfo

_MOST_RESERVED = 256 << 30  # bytes


def structure_problems(
    store: Store, info: CollectionInfo, tables: Callable[[Segment], list[str]] | None = None
) -> list[str]:
    """Return what is wrong, as sentences; empty for a sound collection.

    `tables` gives the problems of a METADATA segment's tables, where they are asked for more than once.
    Raises StoreUnreadable or StoreUnknown where the files cannot be read.
    """
    problems = []
    if info.schema is None or info.configuration is None:
        problems.append("its schema cannot be read")
    if refused := _configuration_problem(store, info):
        problems.append(refused)
    rows = {scope: store.segment(info, scope) for scope in ("METADATA", "VECTOR")}
    problems = [f"Collection {info.name}: {text}." for text in problems]
    problems += _segment_rows(store, info, rows)
    metadata, vector = rows["METADATA"], rows["VECTOR"]
    if metadata is None or vector is None:
        return problems
    of_segments = [*_watermarks(store, rows.values()), *_claims(store, metadata, vector)]
    of_tables = (tables or TableQuestions(store.db).problems)(metadata)
    texts = [*of_segments, *of_tables, *_vectors(store, info, metadata)]
    return problems + [f"Collection {info.name}: {text}." for text in texts]


def _segment_rows(
    store: Store, info: CollectionInfo, rows: Mapping[str, Segment | None]
) -> Iterator[str]:
    for scope, segment in rows.items():
        if segment is None:
            yield f"Collection {info.name} has lost its {scope} segment row."
        sql = "SELECT count(*) FROM segments WHERE collection = ? AND scope = ?"
        count = (store.db.one(sql, info.id, scope) or (0,))[0]
        if count > 1:
            yield (
                f"Collection {info.name} has {count} {scope} segment rows; a server takes any of them,"
                " and its records seem gone. Restore another backup."
            )


def _claims(store: Store, metadata: Segment, vector: Segment) -> Iterator[str]:
    last = newest_seq_id(store.db)
    for scope, segment in (("METADATA", metadata), ("VECTOR", vector)):
        if segment.synced > last:
            yield (
                f"its {scope} segment claims entry {segment.synced}, but the newest in the log is"
                f" {last}; new writes would vanish"
            )


def _vectors(store: Store, info: CollectionInfo, metadata: Segment) -> list[str]:
    vectors = store.vectors(info)
    problems = [f"its index is damaged: {text}" for text in vectors.problems]
    problems += _log(store, info, metadata, vectors)
    after = min(metadata.synced, vectors.synced)
    waiting = waiting_problems(store.db, store.stretch(info), after)
    problems += waiting
    if waiting:
        return problems  # what the records are is decided by entries that nobody can take in
    if len(store.records(info)) and info.dimension is None:
        problems.append("it has records but no dimension")
    return [*problems, *_owners(store.records(info).hashes(), vectors), *_index(info, vectors)]


def _configuration_problem(store: Store, info: CollectionInfo) -> str | None:
    """Why a server lists no collection at all: it reads this column of each, beside the schema.

    Measured on 1.5.9: unknown keys are passed over; a blob ends the server.
    """
    if "config_json_str" not in store.db.columns("collections"):
        return None
    row = store.db.one("SELECT config_json_str FROM collections WHERE id = ?", info.id)
    text = row[0] if row else None
    configuration = parse_object(text)
    if text is None or (
        configuration is not None
        and isinstance(configuration.get("embedding_function"), dict | None)
        and ("vector_index" not in configuration or _is_filled(configuration["vector_index"]))
    ):
        return None
    return (
        "table collections, config_json_str is no configuration, and a server that reads it lists no"
        " collection at all. Restore another backup"
    )


def _is_filled(value: object) -> bool:
    return isinstance(value, dict) and bool(value)


def _watermarks(store: Store, segments: Iterable[Segment | None]) -> list[str]:
    # Migration metadb 5 turns the 8 bytes of older servers into integers; after it nothing else is
    # read (chroma 4217).
    kinds = ("integer", "null") if store.db.versions["metadb"] >= 5 else ("integer", "null", "blob")
    problems = []
    for segment in segments:
        sql = "SELECT typeof(seq_id), seq_id FROM max_seq_id WHERE segment_id = ?"
        kind, value = store.db.one(sql, segment.id if segment else "") or ("null", None)
        if kind not in kinds or (value is not None and as_seq_id(value) is None):
            problems.append(
                f"max_seq_id holds {kind} instead of an integer for a segment, and every call about"
                " the collection fails. Restore another backup, or on a copy set that seq_id to the"
                " number it stands for, and check the copy with --serve"
            )
    return problems


def _owners(live: Hashes, vectors: VectorSource) -> list[str]:
    problems = []
    live.sort()
    give_back_freed()
    owned = vectors.hashes()
    lost, stray = count_missing(live, owned), count_missing(owned, live)
    if lost:
        problems.append(f"{lost} of {len(live)} records have no vector")
    if stray:
        problems.append(f"{stray} vectors belong to no record")
    return problems


def _index(info: CollectionInfo, vectors: VectorSource) -> list[str]:
    problems: list[str] = []
    index = vectors.index
    if index is None:
        return problems
    reserved = (index.added or 0) * index.header.row_size
    # A server reserves room for as many rows as the counter says when it loads the index. A counter
    # somewhat high is served (measured up to 150 GB of address space, refused at 1.5 TB).
    if (index.added or 0) > index.header.elements and reserved > _MOST_RESERVED:
        problems.append(
            f"in its index, {PICKLE} counts {index.added} rows (total_elements_added) where"
            f" {index.header.elements} are: a server reserves {reserved >> 30} GiB for them and"
            " fails. Restore another backup, or rebuild the collection"
        )
    served = index.names.numbers
    if vectors.changed:
        served = served[vectors.is_unchanged()]
    is_live, without = index.live_rows(served)
    del served
    if without:
        problems.append(f"{without} records have a label but no live row in the index")
    of_graph = graph_problems(index, info.space == "cosine", is_live, vectors.log_tail())
    return problems + [f"in its index, {text}" for text in of_graph]


def _log(store: Store, info: CollectionInfo, metadata: Segment, vectors: VectorSource) -> list[str]:
    # The log is purged only up to what every segment has taken in: a record that changed later
    # than the index's last sync must still have its entry there. Without a mark nothing is known:
    # the server replays whatever is left, and no answer changes.
    sql = (
        "SELECT count(*) FROM embeddings e LEFT JOIN embeddings_queue q ON q.seq_id = e.seq_id "
        "WHERE e.segment_id = ? AND typeof(e.seq_id) = 'integer' AND e.seq_id > ? "
        "AND (q.seq_id IS NULL OR q.id <> e.embedding_id OR q.topic NOT LIKE ?)"
    )
    row = store.db.one(sql, metadata.id, vectors.synced, f"%/{info.id}") if vectors.synced else None
    problems = (
        [f"the log has lost the newest entries of {row[0]} records"] if row and row[0] else []
    )
    bad: list[str] = []
    for id_, encoding, blob in _vectors_in_log(store, store.stretch(info), vectors.synced):
        # The server refuses NaN and infinity, so one in the log is damage.
        whole = isinstance(blob, bytes) and len(blob) == 4 * (info.dimension or 0)
        if whole and encoding == "FLOAT32":
            whole = bool(np.isfinite(np.frombuffer(cast(bytes, blob), "<f4")).all())
        if not whole:
            bad.append(f"'{id_}'")
    if bad:
        names = ", ".join(bad[:NAMED]) + (", ..." if len(bad) > NAMED else "")
        problems.append(
            f"{len(bad)} vectors in the log are not {info.dimension} finite numbers ({names})"
        )
    return problems


def _vectors_in_log(
    store: Store, stretch: Stretch | None, after: int
) -> Iterator[tuple[object, object, object]]:
    if stretch is not None:
        for _, _, id_, encoding, blob in entries(store.db, stretch, after, "encoding, vector"):
            if blob is not None:
                yield id_, encoding, blob
