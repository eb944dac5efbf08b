"""Which vectors are embedded again: all that look wrong, and a sample of those that nobody knows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.core.records.alignment import align
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Slot, Spool
from chromadrill.core.records.streams import Records, slices
from chromadrill.recovery.reconcile.vector_memory import (
    SCHEMA,
    VectorMemory,
    sketches_of,
    unit_sketches,
)

BY_TEXT = pa.schema(
    [("id", pa.string()), ("record", pa.string()), ("sketch", SCHEMA.field("sketch").type)]
)
RIGHT = 512  # records whose vectors are right, for what is held against them
IDS_PER_PART = 256  # records that are read, and embedded, together


class ByText:
    """Records in the order of the digests of their texts, each with the sketch of its vector."""

    def __init__(self) -> None:
        self._sorter = Sorter(Spool())

    def add(self, records: pa.Table) -> None:
        """Records with a text and a vector (schema of digests)."""
        texts = [digest.hex() for digest in records["document"].to_pylist()]
        flat = pa.array(unit_sketches(sketches_of(records)).astype(np.float32).reshape(-1))
        sketches = pa.FixedSizeListArray.from_arrays(flat, type=BY_TEXT.field("sketch").type)
        columns = [pa.array(texts, pa.string()), records["id"], sketches]
        self._sorter.add(pa.Table.from_arrays(columns, schema=BY_TEXT))

    def records(self) -> Records:
        return self._sorter.records()


@dataclass(slots=True)
class ChosenVectors:
    """Ids of records whose vectors are to be embedded again.

    `suspects` are not what is remembered of their text, or are not the same for one text. `sample`:
    by chance, of those that nobody knows. `remembered`: as many need no embedding; `right` are some of
    them, by chance.
    """

    records: int = 0
    remembered: int = 0
    suspects: IdList = field(default_factory=lambda: IdList())
    sample: IdList = field(default_factory=lambda: IdList())
    right: IdList = field(default_factory=lambda: IdList())


class IdList:
    """Ids in flat memory, some to a part."""

    def __init__(self) -> None:
        self._spool, self._slots, self.count = Spool(), list[Slot](), 0

    def add(self, ids: pa.Array | pa.ChunkedArray) -> None:
        table = pa.Table.from_arrays([ids], names=["id"])
        self._slots += [self._spool.put(part) for part in slices(table, IDS_PER_PART)]
        self.count += len(ids)

    def parts(self) -> Iterator[list[str]]:
        for slot in self._slots:
            yield self._spool.get(slot)["id"].to_pylist()


def nearness(least_cosine: float) -> float:
    """How far apart the sketches, of length 1, of one text's vectors may be.

    A sketch estimates: half of what the cosine allows. What is in doubt is embedded.
    """
    return math.sqrt(2 * (1 - least_cosine)) / 2


def choose_vectors(
    by_text: Records,
    memory: VectorMemory,
    sample: int | None,
    rng: np.random.Generator,
    *,
    least: float = 0.9999,
) -> ChosenVectors:
    """Hold each vector against what is remembered of its text. `sample` None: all that are unknown.

    `least`: cosine of one text's vectors.
    """
    slack = nearness(least)
    chosen = ChosenVectors(len(by_text))
    reservoir, right = _Reservoir(sample, rng), _Reservoir(RIGHT, rng)
    nothing = pa.Table.from_batches([], SCHEMA)
    for records, known in align(by_text.batches(), _begun_with(nothing, memory.tables())):
        sketches = sketches_of(records)
        places = pc.index_in(records["id"], value_set=_one(known["id"]))
        at = np.asarray(pc.fill_null(places, -1), np.int64)
        is_known = at >= 0
        is_right = np.zeros(len(records), bool)
        is_right[is_known] = _near(sketches[is_known], sketches_of(known)[at[is_known]], slack)
        is_suspect = (is_known & ~is_right) | (
            ~is_known & _differ_for_one_text(records, sketches, slack)
        )
        chosen.remembered += int(is_right.sum())
        right.offer(records["record"].filter(pa.array(is_right)), chosen.right)
        if is_suspect.any():
            chosen.suspects.add(records["record"].filter(pa.array(is_suspect)))
        unknown = ~is_known & ~is_suspect
        if unknown.any():
            reservoir.offer(records["record"].filter(pa.array(unknown)), chosen.sample)
    reservoir.drain(chosen.sample)
    right.drain(chosen.right)
    return chosen


class _Reservoir:
    """A sample without replacement of a stream: those whose random numbers are the smallest."""

    def __init__(self, size: int | None, rng: np.random.Generator) -> None:
        self._size, self._rng = size, rng
        self._keys, self._ids = np.empty(0), np.empty(0, object)

    def offer(self, ids: pa.ChunkedArray, all_ids: IdList) -> None:
        if self._size is None:
            all_ids.add(ids)
            return
        keys = np.concatenate([self._keys, self._rng.random(len(ids))])
        names = np.concatenate([self._ids, np.asarray(ids.to_pylist(), object)])
        smallest = np.argsort(keys)[: self._size]
        self._keys, self._ids = keys[smallest], names[smallest]

    def drain(self, sample: IdList) -> None:
        if len(self._ids):
            sample.add(pa.array(self._ids.tolist(), pa.string()))


def _near(one: np.ndarray, other: np.ndarray, slack: float) -> np.ndarray:
    return np.asarray(np.linalg.norm(one.astype(np.float64) - other, axis=1) <= slack)


def _differ_for_one_text(records: pa.Table, sketches: np.ndarray, slack: float) -> np.ndarray:
    """Rows whose text comes more than once, with vectors that are not all the same."""
    suspect = np.zeros(len(records), bool)
    if len(records) < 2:
        return suspect
    ids = np.asarray(records["id"].to_pylist(), object)
    again = ids[1:] == ids[:-1]
    others = again & ~_near(sketches[1:], sketches[:-1], slack)
    if others.any():
        suspect |= np.isin(ids, np.unique(ids[1:][others]))
    return suspect


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _begun_with(first: pa.Table, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from tables
