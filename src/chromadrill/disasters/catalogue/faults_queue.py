"""Damage to embeddings_queue and max_seq_id: the vectors that the index has not taken in yet."""

from __future__ import annotations

import struct
from random import Random

from chromadrill.disasters.catalogue.fault_registry import FaultRegistry
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.catalogue.victims import (
    Hit,
    any_indexed_tail,
    any_unsynced,
    whole_store,
    with_tail,
)

FAULTS = FaultRegistry("queue")


def _set_vector(store: StoreEditor, seq_id: int, vector: bytes) -> None:
    with store.edit() as db:
        db.execute("UPDATE embeddings_queue SET vector = ? WHERE seq_id = ?", (vector, seq_id))


@FAULTS.add(
    "The write-ahead queue is empty: all vectors not yet in an index are lost.", whole_store
)
def queue_emptied(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM embeddings_queue")


@FAULTS.add("A collection below the sync threshold lost its queue: no vectors left.", any_unsynced)
def queue_of_one_collection(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM embeddings_queue WHERE topic = ?", (hit[0].topic,))


@FAULTS.add("A synced collection lost its tail: the newest vectors are gone.", any_indexed_tail)
def tail_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "DELETE FROM embeddings_queue WHERE topic = ? AND seq_id > ?",
            (hit[0].topic, hit[0].synced),
        )


@FAULTS.add("One vector waiting in the queue is lost.", with_tail)
def entry_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "DELETE FROM embeddings_queue WHERE seq_id = ?",
            (rng.choice(store.tail(hit[0])).seq_id,),
        )


@FAULTS.add("The ten oldest vectors waiting in the queue are lost.", with_tail)
def oldest_entries_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.executemany(
            "DELETE FROM embeddings_queue WHERE seq_id = ?",
            [(entry.seq_id,) for entry in store.tail(hit[0])[:10]],
        )


@FAULTS.add("The ten newest vectors waiting in the queue are lost.", with_tail)
def newest_entries_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.executemany(
            "DELETE FROM embeddings_queue WHERE seq_id = ?",
            [(entry.seq_id,) for entry in store.tail(hit[0])[-10:]],
        )


@FAULTS.add("One bit of a vector waiting in the queue is flipped.", with_tail)
def vector_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    changed = bytes([entry.vector[0], entry.vector[1] ^ 0x80]) + entry.vector[2:]
    _set_vector(store, entry.seq_id, changed)


@FAULTS.add("The smallest bit of a vector waiting in the queue is flipped.", with_tail)
def vector_smallest_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    _set_vector(store, entry.seq_id, bytes([entry.vector[0] ^ 1]) + entry.vector[1:])


@FAULTS.add("One vector waiting in the queue is another one.", with_tail)
def vector_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    n = len(entry.vector) // 4
    _set_vector(store, entry.seq_id, struct.pack(f"<{n}f", *(rng.gauss(0, 1) for _ in range(n))))


@FAULTS.add("One vector waiting in the queue is all zeros.", with_tail)
def vector_zeroed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    _set_vector(store, entry.seq_id, bytes(len(entry.vector)))


@FAULTS.add("One vector waiting in the queue is not a number (NaN).", with_tail)
def vector_nan(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    _set_vector(store, entry.seq_id, struct.pack("<f", float("nan")) + entry.vector[4:])


@FAULTS.add("One vector waiting in the queue is cut to half its length.", with_tail)
def vector_cut(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    _set_vector(store, entry.seq_id, entry.vector[: len(entry.vector) // 8 * 4])


@FAULTS.add("One vector waiting in the queue is missing (null).", with_tail)
def vector_nulled(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    with store.edit() as db:
        db.execute(
            "UPDATE embeddings_queue SET vector = NULL, encoding = NULL WHERE seq_id = ?",
            (entry.seq_id,),
        )


@FAULTS.add("Two vectors waiting in the queue have changed places.", with_tail)
def vectors_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    one, two = rng.sample(store.tail(hit[0]), 2)
    _set_vector(store, one.seq_id, two.vector)
    _set_vector(store, two.seq_id, one.vector)


@FAULTS.add("A write waiting in the queue became a delete.", with_tail)
def operation_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    with store.edit() as db:
        db.execute("UPDATE embeddings_queue SET operation = 3 WHERE seq_id = ?", (entry.seq_id,))


@FAULTS.add("An entry of the queue has an operation that does not exist.", with_tail)
def operation_unknown(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    with store.edit() as db:
        db.execute("UPDATE embeddings_queue SET operation = 9 WHERE seq_id = ?", (entry.seq_id,))


@FAULTS.add("An entry of the queue belongs to a record that does not exist.", with_tail)
def entry_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    with store.edit() as db:
        db.execute("UPDATE embeddings_queue SET id = id || '-x' WHERE seq_id = ?", (entry.seq_id,))


@FAULTS.add("The queue of a collection is filed under a collection that does not exist.", with_tail)
def topic_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "UPDATE embeddings_queue SET topic = ? WHERE topic = ?",
            ("persistent://default/default/00000000-0000-4000-8000-000000000001", hit[0].topic),
        )


@FAULTS.add("The metadata of an entry of the queue is no longer JSON.", with_tail)
def entry_metadata_broken(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = rng.choice(store.tail(hit[0]))
    with store.edit() as db:
        db.execute(
            "UPDATE embeddings_queue SET metadata = '{broken' WHERE seq_id = ?", (entry.seq_id,)
        )


@FAULTS.add("The index claims to have taken in the whole queue: the tail is skipped.", with_tail)
def watermark_raised(store: StoreEditor, hit: Hit, rng: Random) -> None:
    top = store.tail(hit[0])[-1].seq_id
    with store.edit() as db:
        db.execute(
            "INSERT INTO max_seq_id (segment_id, seq_id) VALUES (?1, ?2)"
            " ON CONFLICT (segment_id) DO UPDATE SET seq_id = ?2",
            (hit[0].vector, top),
        )


@FAULTS.add("The record store claims to be far ahead: new writes will never appear.", with_tail)
def metadata_watermark_raised(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "UPDATE max_seq_id SET seq_id = seq_id + 1000000 WHERE segment_id = ?",
            (hit[0].metadata,),
        )


@FAULTS.add("The watermark of an index is a text, not a number.", any_indexed_tail)
def watermark_text(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("UPDATE max_seq_id SET seq_id = 'x' WHERE segment_id = ?", (hit[0].vector,))
