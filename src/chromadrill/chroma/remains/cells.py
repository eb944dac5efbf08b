"""The cells of a b-tree page and the rows in them. What does not fit exactly is no row."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from chromadrill.chroma.remains.page_file import (
    HEADER,
    INNER_INDEX,
    INNER_TABLE,
    LEAF_TABLE,
    PageFile,
)

Row = tuple[Any, ...]
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)


class Garbled(Exception):
    """Bytes that are no row."""


class Cell(NamedTuple):
    """One cell. `rowid`: of a table's row, or the largest one below an inner cell; `child`: its page.

    `row` is None for an inner cell of a table. `overflow`: pages that hold the rest of the row.
    """

    rowid: int
    row: Row | None
    child: int = 0
    overflow: tuple[int, ...] = ()


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at`, signed in 64 bits, and the place behind it. Raises Garbled."""
    value = 0
    for n in range(9):
        if at + n >= len(data):
            raise Garbled
        byte = data[at + n]
        if n == 8:
            value = (value << 8) | byte
            return value - (1 << 64) if value >> 63 else value, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + n + 1
    raise AssertionError


def pointers(page: bytes, first: int, *, hidden: bool = False) -> Iterator[int]:
    """Yield the places of the page's cells, in order; `hidden`: those behind the last one instead.

    `first`: 100 on the first page of a file, else 0.
    """
    (count,) = struct.unpack_from(">H", page, first + 3)
    array = first + (12 if page[first] in (INNER_INDEX, INNER_TABLE) else 8)
    most = (len(page) - array) // 2
    least = min((p for p in _slots(page, array, min(count, most))), default=len(page))
    if hidden:
        # the array may reach up to the first cell: what lies there is what it was before
        yield from _slots(page, array + 2 * count, max(0, (least - array) // 2 - count))
    else:
        yield from _slots(page, array, min(count, most))


def _slots(page: bytes, array: int, count: int) -> tuple[int, ...]:
    return struct.unpack_from(f">{count}H", page, array) if count > 0 else ()


def read_cell(file: PageFile, page: bytes, at: int, kind: int) -> Cell:
    """Return the cell at `at` of a page of this `kind`. Raises Garbled."""
    child = 0
    try:
        if kind in (INNER_INDEX, INNER_TABLE):
            (child,) = struct.unpack_from(">I", page, at)
            at += 4
            if not 1 <= child <= file.pages:
                raise Garbled
        if kind == INNER_TABLE:
            return Cell(varint(page, at)[0], None, child)
        size, at = varint(page, at)
        rowid = 0
        if kind == LEAF_TABLE:
            rowid, at = varint(page, at)
        payload, overflow = _payload(file, page, at, size, kind)
    except struct.error as error:
        raise Garbled from error
    return Cell(rowid, row_of(payload), child, overflow)


def _payload(
    file: PageFile, page: bytes, at: int, size: int, kind: int
) -> tuple[bytes, tuple[int, ...]]:
    usable = file.usable
    if not 0 < size <= file.length:
        raise Garbled
    most = usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23
    if size <= most:
        if at + size > usable:
            raise Garbled
        return page[at : at + size], ()
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= most else least
    if at + local + 4 > usable:
        raise Garbled
    parts, left = [page[at : at + local]], size - local
    (number,) = struct.unpack_from(">I", page, at + local)
    chain: list[int] = []
    while left > 0:
        following = file.page(number)
        if following is None or number in chain[-1:]:
            raise Garbled
        chain.append(number)
        part = following[4 : 4 + min(left, usable - 4)]
        # a page of zeroes ends a chain as its last page does; zeroes of a row lead to the next page
        if not any(following[: 4 + len(part)]):
            raise Garbled
        parts.append(part)
        left -= usable - 4
        (number,) = struct.unpack_from(">I", following)
    if number:  # the chain of a sound row ends here
        raise Garbled
    return b"".join(parts), tuple(chain)


def row_of(payload: bytes) -> Row:
    """Return the values of a row. Raises Garbled unless header, sizes and texts fit exactly."""
    head, at = varint(payload, 0)
    if not at <= head <= len(payload):
        raise Garbled
    kinds = []
    while at < head:
        kind, at = varint(payload, at)
        if kind < 0 or kind in (10, 11):
            raise Garbled
        kinds.append(kind)
    values: list[Any] = []
    place = head
    for kind in kinds:
        size = _size(kind)
        if place + size > len(payload):
            raise Garbled
        values.append(_value(kind, payload[place : place + size]))
        place += size
    if at != head or place != len(payload):
        raise Garbled
    return tuple(values)


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGER_BYTES[kind] if kind < 7 else 0


def _value(kind: int, data: bytes) -> Any:
    if kind == 0:
        return None
    if kind < 7:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        return struct.unpack(">d", data)[0]
    if kind < 12:
        return kind - 8
    if kind % 2 == 0:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Garbled from error


def first_of(number: int) -> int:
    """Where the header of page `number` begins: behind the file's own on the first page."""
    return HEADER if number == 1 else 0
