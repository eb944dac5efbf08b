"""The files of one HNSW index at rest: header.bin, data_level0.bin, length.bin and the pickle."""

from __future__ import annotations

import os
import stat
import struct
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.database import StoreUnknown
from chromadrill.chroma.at_rest.id_hashes import narrow
from chromadrill.chroma.at_rest.log import as_seq_id
from chromadrill.chroma.at_rest.pickle_maps import PickleMaps, read_maps
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused
from chromadrill.core.memory import give_back_freed

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.unsignedinteger[Any]]
Rows = npt.NDArray[np.int64]

PICKLE = "index_metadata.pickle"
_HEADER = struct.Struct("<iQQQQQQiIQQQdQ")  # 100 bytes, as hnswlib's persistHeader writes them
_CHUNK = 4096  # rows looked at together
_CHUNK_BYTES = 64 << 20
_LOOKED_UP = 1 << 16  # labels
_SPARSE = 4  # rows read for one that is wanted, before each is read by itself
_PICKLE_FLOOR = 64 * 1024 * 1024
_PICKLE_PER_ROW = 16 * 1024


class IndexDamaged(Exception):
    """The index cannot give a single vector. The message is a clause of a sentence."""


class IndexHeader(NamedTuple):
    """The fields of header.bin, in file order. Sizes and offsets are bytes within a row of level 0."""

    version: int
    level0_offset: int
    capacity: int
    elements: int
    row_size: int
    label_offset: int
    vector_offset: int
    top_level: int
    entry_point: int
    max_links: int
    max_links0: int
    m: int
    mult: float
    ef_construction: int

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        return (self.label_offset - self.vector_offset) // 4


class HnswIndex:
    """An index as it was last synced.

    It has n rows (`row_count`): the header's count or, where data_level0.bin was cut off (`short`),
    what that file still holds. They are read from the file when they are asked for. `lengths` is
    float32 of shape (<= n,), `is_deleted` bool of shape (n,). `sorted_labels` are
    the labels of the rows `order`. From the pickle: `names` (id -> label), `owned` (the
    labels of its other map), `is_one_to_one` (whether each map is the inverse of the other), `added`
    (the labels ever given out) and `max_seq_id`.
    """

    def __init__(self, directory: Path) -> None:
        """Read the index; raises IndexDamaged, or StoreUnknown for a pickle of objects."""
        self.directory = directory
        try:
            self.header = read_header(directory / "header.bin")
            size = regular_size(directory / "data_level0.bin")
            stored = min(self.header.elements, size // self.header.row_size)
            self.short = stored < self.header.elements
            self._file = (directory / "data_level0.bin").open("rb", buffering=0)
            weakref.finalize(self, self._file.close)
            lengths = min(stored, regular_size(directory / "length.bin") // 4)
            with (directory / "length.bin").open("rb") as file:
                self.lengths = np.fromfile(file, "<f4", lengths)
            maps = _read_pickle(directory, stored)
        except PermissionError as error:
            raise StoreUnknown(f"{error.filename} may not be read by this user.") from error
        except FileNotFoundError as error:
            raise IndexDamaged(f"{Path(str(error.filename)).name} is missing") from error
        except OSError as error:
            raise IndexDamaged(f"its files cannot be read ({error})") from error
        self.names, self.owned = maps.names, maps.owner_labels
        self.is_one_to_one = maps.are_inverse
        added = maps.others.get("total_elements_added")
        self.added = added if isinstance(added, int) else None
        self.max_seq_id = as_seq_id(maps.others.get("max_seq_id"))
        self.row_count = stored
        self._read_marks()
        give_back_freed()

    def _read_marks(self) -> None:
        header, stored = self.header, self.row_count
        labels: Labels = np.empty(stored, np.uint64)
        # a bit beside the level-0 link count
        self.is_deleted = np.empty(stored, np.bool_)
        for part, rows in self.chunks():
            column = rows[:, header.label_offset : header.label_offset + 8]
            labels[part] = np.ascontiguousarray(column).view("<u8").reshape(-1)
            self.is_deleted[part] = rows[:, header.level0_offset + 2] & 1
        labels = narrow(labels)
        self.order = narrow(np.argsort(labels, kind="stable"))
        self.sorted_labels: Labels = labels[self.order]

    def chunks(self) -> Iterator[tuple[slice, Bytes]]:
        """Yield all rows, some thousands at a time, in memory for no longer than that."""
        step = max(1, min(_CHUNK, _CHUNK_BYTES // self.header.row_size))  # damage makes huge rows
        for start in range(0, self.row_count, step):
            end = min(start + step, self.row_count)
            yield slice(start, end), self._read(start, end)

    def _read(self, start: int, end: int) -> Bytes:
        """Return rows as the file holds them. Pages of a memory map would count as our memory."""
        size = self.header.row_size
        data = os.pread(self._file.fileno(), (end - start) * size, start * size)
        if len(data) != (end - start) * size:
            raise StoreUnknown(f"{self._file.name} was cut off while it was read.")
        return np.frombuffer(data, np.uint8).reshape(end - start, size)

    def rows_of(self, labels: npt.NDArray[np.integer[Any]]) -> Rows:
        """Return the row number of each label, -1 where no live row carries it."""
        rows = np.full(len(labels), -1, np.int64)
        for start in range(0, len(labels) if len(self.sorted_labels) else 0, _LOOKED_UP):
            part = slice(start, start + _LOOKED_UP)
            rows[part] = self._rows_of(labels[part])
        return rows

    def live_rows(self, labels: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[np.bool_], int]:
        """Return which rows are live ones of `labels`, bool (rows,), and how many labels have none."""
        is_live, without = np.zeros(self.row_count, np.bool_), 0
        for start in range(0, len(labels), _LOOKED_UP):
            rows = self.rows_of(labels[start : start + _LOOKED_UP])
            is_live[rows[rows >= 0]] = True
            without += int((rows < 0).sum())
        return is_live, without

    def _rows_of(self, labels: npt.NDArray[np.integer[Any]]) -> Rows:
        # The server keeps the last row of a label, should two carry it.
        is_within = labels <= self.sorted_labels[-1]
        own = np.where(is_within, labels, 0).astype(self.sorted_labels.dtype)
        place = np.searchsorted(self.sorted_labels, own, side="right") - 1
        is_known = is_within & (place >= 0) & (self.sorted_labels[np.maximum(place, 0)] == own)
        rows = np.where(is_known, self.order[np.maximum(place, 0)].astype(np.int64), -1)
        return np.where(self.is_deleted[np.maximum(rows, 0)], -1, rows)

    def read_vectors(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
        """Return the vectors of some rows as the file holds them, float32 (len(rows), dimension)."""
        vector = slice(self.header.vector_offset, self.header.label_offset)
        if not len(rows):
            return np.empty((0, self.header.dimension), np.float32)
        rows = rows.astype(np.int64)  # differences of unsigned numbers are none below zero
        first, end = int(rows.min()), int(rows.max()) + 1
        if end - first <= _SPARSE * len(rows):
            block = self._read(first, end)[:, vector]
            if len(block) != len(rows) or (np.diff(rows) != 1).any():
                block = block[rows - first]
        else:
            block = np.concatenate([self._read(row, row + 1)[:, vector] for row in rows.tolist()])
        return self._as_vectors(block)

    def vectors_of(
        self, rows: Bytes, kept: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.float32]:
        """Return the vectors of some rows of a chunk: float32 (len(kept), dimension)."""
        block = rows[:, self.header.vector_offset : self.header.label_offset]
        return self._as_vectors(block if len(kept) == len(rows) else block[kept])

    def _as_vectors(self, block: Bytes) -> npt.NDArray[np.float32]:
        # "W": one row alone is contiguous as it lies in the bytes read, and those cannot be written
        block = np.require(block, requirements=("C", "W"))
        return block.view("<f4").reshape(len(block), self.header.dimension)


def regular_size(file: Path) -> int:
    """Return the size in bytes. Raises OSError, also for no regular file: a pipe would hang."""
    details = file.stat()
    if not stat.S_ISREG(details.st_mode):
        raise OSError(f"{file.name} is not a regular file")
    return details.st_size


def read_header(file: Path) -> IndexHeader:
    """Return the fields of header.bin. Raises IndexDamaged for what hnswlib cannot have written."""
    if regular_size(file) < _HEADER.size:
        raise IndexDamaged("header.bin is cut off")
    with file.open("rb") as handle:
        header = IndexHeader(*_HEADER.unpack(handle.read(_HEADER.size)))
    if header.version != 1:
        if header.version == 0:
            raise IndexDamaged("header.bin is zeroed")
        raise IndexDamaged(f"header.bin has format {header.version}, not 1")
    if not (
        header.level0_offset == 0
        and 0 < header.max_links0 < 2**16
        and header.vector_offset == 4 + 4 * header.max_links0
        and header.vector_offset < header.label_offset
        and (header.label_offset - header.vector_offset) % 4 == 0
        and header.row_size == header.label_offset + 8
        and header.row_size < 2**31
    ):
        raise IndexDamaged("header.bin describes rows that hnswlib cannot write")
    return header


def _read_pickle(directory: Path, rows: int) -> PickleMaps:
    file = directory / PICKLE
    size = regular_size(file)
    if size > _PICKLE_FLOOR + rows * _PICKLE_PER_ROW:
        raise IndexDamaged(f"{PICKLE} is {size} bytes for {rows} rows")
    try:
        return read_maps(file)
    except PickleRefused as error:
        raise StoreUnknown(f"{file} holds more than plain data ({error}).") from error
    except PickleDamaged as error:
        raise IndexDamaged(f"{PICKLE} is damaged ({error})") from error
