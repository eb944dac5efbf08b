"""The files of one HNSW index at rest: header.bin, data_level0.bin, length.bin and the pickle."""

from __future__ import annotations

import stat
import struct
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.database import StoreUnknown
from chromadrill.chroma.at_rest.log import as_seq_id
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused, read_dict

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

PICKLE = "index_metadata.pickle"
_HEADER = struct.Struct("<iQQQQQQiIQQQdQ")  # 100 bytes, as hnswlib's persistHeader writes them
_Maps = tuple[dict[str, int], dict[int, str], int | None, int | None]
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

    `rows` is uint8 of shape (n, row_size), a memory map of data_level0.bin. n is the header's count
    or, where the file was cut off (`short`), what the file still holds. `lengths` is float32 of shape
    (<= n,), `labels` uint64 of shape (n,). `id_to_label`, `label_to_id`, `added` (the labels ever
    given out) and `max_seq_id` come from the pickle.
    """

    def __init__(self, directory: Path) -> None:
        """Read the index; raises IndexDamaged, or StoreUnknown for a pickle of objects."""
        self.directory = directory
        try:
            self.header = _read_header(directory / "header.bin")
            size = regular_size(directory / "data_level0.bin")
            stored = min(self.header.elements, size // self.header.row_size)
            self.short = stored < self.header.elements
            self.rows: Bytes = _map(directory / "data_level0.bin", stored * self.header.row_size)
            self.rows = self.rows.reshape(stored, self.header.row_size)
            lengths = min(stored, regular_size(directory / "length.bin") // 4)
            self.lengths = _map(directory / "length.bin", lengths * 4).view("<f4")
            maps = _read_pickle(directory, stored)
        except PermissionError as error:
            raise StoreUnknown(f"{error.filename} may not be read by this user.") from error
        except FileNotFoundError as error:
            raise IndexDamaged(f"{Path(str(error.filename)).name} is missing") from error
        except OSError as error:
            raise IndexDamaged(f"its files cannot be read ({error})") from error
        self.id_to_label, self.label_to_id, self.added, self.max_seq_id = maps
        column = self.rows[:, self.header.label_offset : self.header.label_offset + 8]
        self.labels: Labels = np.ascontiguousarray(column).view("<u8").reshape(-1)
        self._order = np.argsort(self.labels, kind="stable")
        self._sorted = self.labels[self._order]

    @property
    def is_deleted(self) -> npt.NDArray[np.bool_]:
        """Whether each row is marked deleted, shape (n,): a bit beside the level-0 link count."""
        return (self.rows[:, self.header.level0_offset + 2] & 1).astype(np.bool_)

    def rows_of(self, labels: Labels) -> Rows:
        """Return the row number of each label, -1 where no live row carries it."""
        if not len(self._sorted):
            return np.full(len(labels), -1, np.int64)
        # The server keeps the last row of a label, should two carry it.
        place = np.searchsorted(self._sorted, labels, side="right") - 1
        is_known = (place >= 0) & (self._sorted[np.maximum(place, 0)] == labels)
        rows = np.where(is_known, self._order[np.maximum(place, 0)], -1)
        marks = self.rows[np.maximum(rows, 0), self.header.level0_offset + 2] & 1
        return np.where(marks == 0, rows, -1)

    def read_vectors(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Return the vectors of some rows as the file holds them, float32 (len(rows), dimension)."""
        header = self.header
        block = self.rows[rows, header.vector_offset : header.label_offset]
        return np.ascontiguousarray(block).view("<f4").reshape(len(rows), header.dimension)


def regular_size(file: Path) -> int:
    """Return the size in bytes. Raises OSError, also for no regular file: a pipe would hang."""
    details = file.stat()
    if not stat.S_ISREG(details.st_mode):
        raise OSError(f"{file.name} is not a regular file")
    return details.st_size


def _read_header(file: Path) -> IndexHeader:
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


def _map(file: Path, size: int) -> Bytes:
    if size == 0:  # a map of nothing is an error
        return np.zeros(0, np.uint8)
    return np.memmap(file, np.uint8, "r", shape=(size,))


def _read_pickle(directory: Path, rows: int) -> _Maps:
    file = directory / PICKLE
    size = regular_size(file)
    if size > _PICKLE_FLOOR + rows * _PICKLE_PER_ROW:
        raise IndexDamaged(f"{PICKLE} is {size} bytes for {rows} rows")
    try:
        content = read_dict(file.read_bytes())
    except PickleRefused as error:
        raise StoreUnknown(f"{file} holds more than plain data ({error}).") from error
    except PickleDamaged as error:
        raise IndexDamaged(f"{PICKLE} is damaged ({error})") from error
    ids, labels = content.get("id_to_label"), content.get("label_to_id")
    if not _is_mapping(ids, str, int) or not _is_mapping(labels, int, str):
        raise IndexDamaged(f"{PICKLE} lacks its maps of ids and labels")
    ids, labels = cast(dict[str, int], ids), cast(dict[int, str], labels)
    if any(not 0 <= label < 2**63 for label in ids.values()):
        raise IndexDamaged(f"{PICKLE} holds labels out of range")
    added, seq = content.get("total_elements_added"), content.get("max_seq_id")
    return ids, labels, added if isinstance(added, int) else None, as_seq_id(seq)


def _is_mapping(value: Any, key: type, item: type) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(k, key) for k in value)
        and all(isinstance(v, item) for v in value.values())
    )
