"""The maps of ids and labels in `index_metadata.pickle`, read without an object for each entry.

Since 1.0 the file is written by a library with few opcodes: each map is a run of strings and 32-bit
integers. Such a file is read block by block. Any other one is left to the strict reader.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.id_hashes import Hashes, IdMap, distinct, hashes_of
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused, read_dict

_BLOCK = 1 << 20
_MOST_ENTRIES = 1024  # looked at together; the library ends a batch after 1,000
_NAMES, _LABELS = (b"X\x0b\0\0\0" + name for name in (b"id_to_label", b"label_to_id"))
_EMPTY_DICT, _MARK, _SET_ITEMS, _STRING, _INT = 0x7D, 0x28, 0x75, 0x58, 0x4A
_STRING_HEAD = 5  # opcode and length
_INT_SIZE = 5
_FEW = 8  # entries of one length, for which arrays cost more than a loop
_u32, _i32 = struct.Struct("<I"), struct.Struct("<i")


_Entries = tuple[Hashes, npt.NDArray[np.int32]]


class PickleMaps(NamedTuple):
    """`names` maps ids to labels. `owner_labels` are the keys of the other map, of labels to ids.

    `are_inverse`: whether each map is the inverse of the other. `others`: what else the file says.
    """

    names: IdMap
    owner_labels: npt.NDArray[np.integer[Any]]
    are_inverse: bool
    others: dict[str, Any]


def read_maps(file: Path) -> PickleMaps:
    """Return both maps and what else the file says. Raises PickleRefused, PickleDamaged or OSError."""
    try:
        with file.open("rb") as stream:
            regular = _read_regular(stream)
    except (_Irregular, PickleRefused, PickleDamaged, UnicodeDecodeError):
        regular = None
    if regular is not None and not regular.names.is_ambiguous:
        return regular
    content = read_dict(file.read_bytes())
    ids, labels = content.pop("id_to_label", None), content.pop("label_to_id", None)
    if not _is_mapping(ids, str, int) or not _is_mapping(labels, int, str):
        raise PickleDamaged("it lacks its maps of ids and labels")
    if any(not 0 <= label < 2**63 for numbers in (ids.values(), labels) for label in numbers):
        raise PickleDamaged("it holds labels out of range")
    names = IdMap(hashes_of(ids), np.fromiter(ids.values(), np.int64, len(ids)))
    owners = np.fromiter(labels, np.int64, len(labels))
    agree = bool((names.numbers_of(hashes_of(labels.values())) == owners).all())
    return _with_owners(names, owners, agree, content)


def _with_owners(
    names: IdMap, owners: npt.NDArray[np.integer[Any]], agree: bool, others: dict[str, Any]
) -> PickleMaps:
    """`agree`: whether each entry of the other map is one of `names`. Neither map has doubles."""
    are_inverse = agree and len(owners) == len(names)
    return PickleMaps(names, names.numbers if are_inverse else owners, are_inverse, others)


def _is_mapping(value: Any, key: type, item: type) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(k, key) for k in value)
        and all(isinstance(v, item) for v in value.values())
    )


class _Irregular(Exception):
    """The file is not one that the library writes; the strict reader knows more."""


def _read_regular(stream: IO[bytes]) -> PickleMaps:
    reader = _MapReader(stream)
    head = reader.through(_NAMES)
    # not lists of arrays: what thousands of small ones leave behind stays with this process
    hashes, labels, owners = array("q"), array("i"), array("i")
    for some_hashes, some_labels in reader.entries(string_first=True):
        hashes.frombytes(some_hashes.tobytes())
        labels.frombytes(some_labels.tobytes())
    names = IdMap(np.frombuffer(hashes, np.int64), np.frombuffer(labels, np.int32))
    del hashes, labels
    if reader.through(_LABELS):
        raise _Irregular
    agree = True
    for some_hashes, some_labels in reader.entries(string_first=False):
        owners.frombytes(some_labels.tobytes())
        agree &= bool((names.numbers_of(some_hashes) == some_labels).all())
    owner_labels = np.frombuffer(owners, np.int32)
    # the strict reader judges all the rest, with an empty dict for each map
    others = read_dict(head + _NAMES + b"}" + _LABELS + b"}" + reader.rest())
    if others.pop("id_to_label", None) != {} or others.pop("label_to_id", None) != {}:
        raise _Irregular
    if (owner_labels < 0).any() or (names.numbers < 0).any():
        raise _Irregular
    if len(distinct(owner_labels)) != len(owner_labels):
        raise _Irregular  # of a key that comes twice the last value counts
    return _with_owners(names, owner_labels, agree, others)


class _MapReader:
    """The bytes of the file from `at` on, read as they are needed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0

    def _fill(self, wanted: int) -> None:
        if len(self._data) - self._at < wanted:
            self._data = self._data[self._at :] + self._stream.read(max(wanted, _BLOCK))
            self._at = 0
            if len(self._data) < wanted:
                raise _Irregular

    def through(self, marker: bytes) -> bytes:
        """Return what is before the marker and go behind it. It must come soon."""
        if len(self._data) - self._at < _BLOCK:
            self._data = self._data[self._at :] + self._stream.read(_BLOCK)
            self._at = 0
        place = self._data.find(marker, self._at)
        if place < 0:
            raise _Irregular
        before = self._data[self._at : place]
        self._at = place + len(marker)
        return before

    def rest(self) -> bytes:
        return self._data[self._at :] + self._stream.read(_BLOCK)

    def entries(self, *, string_first: bool) -> Iterator[_Entries]:
        """Yield the entries of one dict of strings and 32-bit integers, in either order, to its end."""
        self._fill(2)
        if self._data[self._at] != _EMPTY_DICT:
            raise _Irregular
        self._at += 1
        is_open = self._data[self._at] == _MARK
        self._at += is_open
        while is_open:
            self._fill(2)
            if self._data[self._at] == _SET_ITEMS:
                is_open = self._data[self._at + 1] == _MARK
                self._at += 1 + is_open
            else:
                entries = self._read_equal_sizes(string_first)
                yield entries
                if len(entries[0]) < _FEW:
                    yield self._read_one_by_one(string_first)

    def _read_equal_sizes(self, string_first: bool) -> _Entries:
        """Return the entries from here on whose strings are as long as that of the first one."""
        string = 0 if string_first else _INT_SIZE
        self._fill(string + _STRING_HEAD)
        size = _u32.unpack_from(self._data, self._at + string + 1)[0]
        width = _STRING_HEAD + size + _INT_SIZE
        self._fill(width)
        integer = _STRING_HEAD + size if string_first else 0
        count = min((len(self._data) - self._at) // width, _MOST_ENTRIES)
        flat = np.frombuffer(self._data, np.uint8, count * width, self._at)
        rows = flat.reshape(count, width)
        head = np.frombuffer(bytes([_STRING]) + _u32.pack(size), np.uint8)
        fits = (rows[:, string : string + _STRING_HEAD] == head).all(axis=1)
        fits &= rows[:, integer] == _INT
        count = count if fits.all() else int(fits.argmin())
        if not count:
            raise _Irregular
        text = rows[:count, string + _STRING_HEAD : string + _STRING_HEAD + size]
        numbers = np.ascontiguousarray(rows[:count, integer + 1 : integer + _INT_SIZE])
        self._at += count * width
        hashes = hashes_of(_strings(text.tobytes(), size, count))
        return hashes, numbers.view("<i4").reshape(-1)

    def _read_one_by_one(self, string_first: bool) -> _Entries:
        """Return entries whose strings differ in length, to the end of the batch or of the block."""
        data, at, opcode = self._data, self._at, _STRING if string_first else _INT
        names, numbers = list[str](), list[int]()
        string = 0 if string_first else _INT_SIZE
        while at + string + _STRING_HEAD <= len(data) and data[at] == opcode:
            size = _u32.unpack_from(data, at + string + 1)[0]
            text = at + string + _STRING_HEAD
            integer = text + size if string_first else at
            end = at + _STRING_HEAD + size + _INT_SIZE
            if end > len(data):
                break
            if data[at + string] != _STRING or data[integer] != _INT:
                raise _Irregular
            names.append(data[text : text + size].decode("utf-8", "surrogatepass"))
            numbers.append(_i32.unpack_from(data, integer + 1)[0])
            at = end
        self._at = at
        return hashes_of(names), np.array(numbers, np.int32)


def _strings(data: bytes, size: int, count: int) -> list[str]:
    if not size:
        return [""] * count
    if data.isascii():
        text = data.decode("ascii")
        return [text[at : at + size] for at in range(0, len(text), size)]
    return [
        data[at : at + size].decode("utf-8", "surrogatepass") for at in range(0, len(data), size)
    ]
