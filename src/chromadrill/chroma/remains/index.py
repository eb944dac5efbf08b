"""The rows of an index by whatever of its files can be read, and what says whose they are.

An id has its label in `index_metadata.pickle`, in two maps that are each other's inverse. A row of
data_level0.bin carries its label. Labels are given in the order in which records come, as the record
numbers of the database are (measured on 1.5.9: no exception among 6,800 records with updates and
deletions). So there are two witnesses of a label: the other map, and the order.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.database import StoreUnknown
from chromadrill.chroma.at_rest.id_hashes import Hashes, IdMap, hashes_of
from chromadrill.chroma.at_rest.index import (
    PICKLE,
    HnswIndex,
    IndexDamaged,
    IndexHeader,
    read_header,
    regular_size,
)
from chromadrill.chroma.at_rest.pickle_maps import PickleMaps, read_maps
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused, read_prefix

USUAL_LINKS = 16
_LARGEST_PICKLE = 1 << 30
_LOOKED_AT = 200  # rows, to tell how long a row is where the header does not
_SECTOR = 128  # lengths: 512 bytes, the least that a power cut takes
_NONE = np.empty(0, np.int64)


class IndexRemains(HnswIndex):
    """An index as far as it can be read. `problems`: clauses that say what cannot.

    `labels_agree`: whether both maps say of every id the same; else `agreeing` holds the hashes of the
    ids of which they do. `is_of_another_length`: it may be another index's file, and where
    `has_few_lengths` length.bin may be. `has_other_lengths`: length.bin has not one for each row stored.
    """

    def __init__(self, directory: Path, dimension: int | None, links: int | None) -> None:
        """`dimension`, `links` (of the configuration): for an index without its header.

        Raises IndexDamaged where no row can be had.
        """
        self.directory = directory
        self.problems: list[str] = []
        data = directory / "data_level0.bin"
        try:
            size = regular_size(data)
            self.header = self._header(size, dimension, links or USUAL_LINKS)
            self._file = data.open("rb", buffering=0)
        except OSError as error:
            raise IndexDamaged(f"data_level0.bin cannot be read ({error.strerror})") from error
        weakref.finalize(self, self._file.close)
        stored = size // self.header.row_size
        self.short = stored < self.header.elements
        if self.short:
            lost = self.header.elements - stored
            self.problems.append(f"data_level0.bin has lost {lost} of {self.header.elements} rows")
        # a cut goes through a row; what ends where a row does may be another index's file
        self.is_of_another_length = self.short and size % self.header.row_size == 0
        is_told = not self.problems or self.header.elements > 0
        maps, self.agreeing = self._maps()
        self.row_count = min(stored, self.header.elements) if is_told else stored
        if self.row_count < min(stored, len(maps.names.hashes)):  # a header of an earlier flush
            self.problems.append(
                f"header.bin counts {self.row_count} rows, data_level0.bin holds {stored}"
            )
            self.row_count, is_told = stored, False
        added = maps.others.get("total_elements_added")
        if not is_told and type(added) is int and added >= len(maps.names.hashes):
            # behind its rows the file is whatever the server's memory held: rows of other indexes, too.
            # No label is given twice, so no more rows were filled than labels were given
            self.row_count = min(self.row_count, added)
        self.has_few_lengths = False
        self.has_other_lengths = False
        self.lengths = self._lengths(stored)
        self.names, self.owned = maps.names, maps.owner_labels
        self.is_one_to_one = self.labels_agree = maps.are_inverse
        self.added, self.max_seq_id = None, None
        self._read_marks()
        self._forget_doubles()

    def _header(self, size: int, dimension: int | None, links: int) -> IndexHeader:
        try:
            header = read_header(self.directory / "header.bin")
            if dimension in (None, header.dimension):
                return header
            self.problems.append(f"header.bin says {header.dimension} dimensions, not {dimension}")
        except (IndexDamaged, OSError) as error:
            self.problems.append(str(error))
        if dimension is None or not 0 < dimension < 1 << 16:
            raise IndexDamaged("nothing says how long a row is")
        offset = 4 + 8 * links
        label = offset + 4 * dimension
        header = IndexHeader(
            1, 0, 0, 0, label + 8, label, offset, 0, 0, links, 2 * links, links, 0.0, 0
        )
        if size < header.row_size or size % header.row_size:
            raise IndexDamaged("data_level0.bin does not end where a row does")
        return header

    def _lengths(self, stored: int) -> npt.NDArray[np.float32]:
        try:
            size = regular_size(self.directory / "length.bin")
            self.has_other_lengths = size != 4 * stored
            count = min(self.row_count, size // 4)
            if size % 4 == 0 and 0 < size < 4 * self.row_count:
                self.problems.append(f"length.bin has {size // 4} of {self.row_count} lengths")
                self.has_few_lengths = True
            with (self.directory / "length.bin").open("rb") as file:
                return np.fromfile(file, "<f4", count)
        except OSError as error:
            self.problems.append(f"length.bin cannot be read ({error.strerror})")
            return np.empty(0, np.float32)

    def _maps(self) -> tuple[PickleMaps, Hashes]:
        """Both maps, and the ids of which both say the same where they are not each other's inverse."""
        file = self.directory / PICKLE
        none = PickleMaps(IdMap(_NONE, _NONE), _NONE, False, {})
        try:
            if regular_size(file) > _LARGEST_PICKLE:
                self.problems.append(f"{PICKLE} is {regular_size(file)} bytes")
                return none, _NONE
            maps = read_maps(file)
            if maps.are_inverse:
                return maps, maps.names.hashes
            self.problems.append("its two maps of ids and labels disagree")
        except OSError as error:
            self.problems.append(f"{PICKLE} cannot be read ({error.strerror})")
            return none, _NONE
        except PickleRefused as error:
            self.problems.append(f"{PICKLE} holds more than plain data ({error})")
            return none, _NONE
        except PickleDamaged as error:
            self.problems.append(f"{PICKLE} is damaged ({error})")
        try:
            dicts = read_prefix(file.read_bytes())
        except (PickleRefused, MemoryError) as error:
            self.problems.append(f"{PICKLE} was not read ({error})")
            return none, _NONE
        return _maps_of(dicts)

    def _forget_doubles(self) -> None:
        """A label that two rows carry belongs to neither."""
        labels = self.sorted_labels
        twice = labels[1:] == labels[:-1]
        doubles = np.unique(labels[1:][twice])
        if len(doubles):
            self.problems.append(f"{len(doubles)} labels are those of several rows")
            self.is_deleted[self.order[np.isin(labels, doubles)]] = True

    def lengths_of(self, rows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the length of each row's vector before it was made a unit vector; NaN where lost."""
        lengths = np.full(len(rows), np.nan, np.float32)
        has = rows < len(self.lengths)
        lengths[has] = self.lengths[rows[has]]
        lengths[~(lengths > 0)] = np.nan  # a length of nothing is a file of zeroes
        return lengths

    def have_no_length(self, rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Whether each row has a length of just 0, right beside a vector of zeroes alone.

        A sector of zeroes says nothing: it may never have been written.
        """
        if not len(self.lengths):
            return np.zeros(len(rows), np.bool_)
        starts = np.arange(0, len(self.lengths), _SECTOR)
        is_written = np.logical_or.reduceat(self.lengths != 0, starts)
        known = np.minimum(rows, len(self.lengths) - 1)
        is_zero = (rows < len(self.lengths)) & (self.lengths[known] == 0)
        return np.asarray(is_zero & is_written[known // _SECTOR], np.bool_)


def dimension_of(directory: Path) -> int | None:
    """The dimension that header.bin says, where its rows fill data_level0.bin; None elsewhere.

    Such a header is that of these rows, but they may be another collection's.
    """
    try:
        header = read_header(directory / "header.bin")
        size = regular_size(directory / "data_level0.bin")
    except (IndexDamaged, OSError):
        return None
    counts = (header.elements, header.capacity)  # what a server writes first has its whole capacity
    fills = header.elements > 0 and size in [header.row_size * count for count in counts]
    return header.dimension if fills else None


def open_remains(directory: Path, dimension: int | None, links: int | None) -> IndexRemains | None:
    """The index in `directory`; None where none was ever written. Raises IndexDamaged.

    A server makes the files at once and fills them at the first sync, with the pickle.
    """
    if not directory.is_dir():
        return None
    with suppress(IndexDamaged, OSError):
        if not (directory / PICKLE).exists() and not read_header(directory / "header.bin").elements:
            return None
    try:
        return IndexRemains(directory, dimension, links)
    except StoreUnknown as error:
        raise IndexDamaged(str(error)) from error


def _maps_of(dicts: dict[str, dict[Any, Any]]) -> tuple[PickleMaps, Hashes]:
    """What two maps that are damaged, or cut off, say: labels from either, agreement where both do."""
    ids = {
        key: value
        for key, value in dicts.get("id_to_label", {}).items()
        if isinstance(key, str) and type(value) is int and 0 <= value < 1 << 63
    }
    owners = {
        value: key
        for key, value in dicts.get("label_to_id", {}).items()
        if isinstance(value, str) and type(key) is int and 0 <= key < 1 << 63
    }
    agreeing = [key for key, label in ids.items() if owners.get(key) == label]
    contradicted = {key for key, label in ids.items() if owners.get(key, label) != label}
    both = {key: label for key, label in {**owners, **ids}.items() if key not in contradicted}
    labels = np.fromiter(both.values(), np.int64, len(both))
    names = IdMap(hashes_of(both), labels)
    return PickleMaps(names, labels, False, {}), hashes_of(agreeing)
