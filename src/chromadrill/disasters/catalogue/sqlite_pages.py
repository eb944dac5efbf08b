"""The pages of chroma.sqlite3: which of them hold a table or an index, and a text in them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from chromadrill.disasters.catalogue.byte_edits import flip_bit
from chromadrill.disasters.catalogue.store_editor import StoreEditor


@dataclass(frozen=True)
class BTree:
    """Page numbers (from 1) of one b-tree: inner pages, leaves, overflow pages of table leaves."""

    size: int
    inner: list[int]
    leaves: list[int]
    overflow: list[int]

    def offset(self, page: int) -> int:
        """File offset of a page."""
        return (page - 1) * self.size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[at + n]
        if n == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + n + 1
    raise AssertionError


def _overflow(data: bytes, size: int, start: int, cell: int) -> list[int]:
    payload, at = _varint(data, start + cell)
    _, at = _varint(data, at)
    if payload <= size - 35:
        return []
    least = (size - 12) * 32 // 255 - 23
    local = least + (payload - least) % (size - 4)
    at += local if local <= size - 35 else least
    pages = []
    page = struct.unpack_from(">I", data, at)[0]
    while page:
        pages.append(page)
        page = struct.unpack_from(">I", data, (page - 1) * size)[0]
    return pages


def read_btree(store: StoreEditor, name: str) -> BTree:
    """Walk the b-tree of a table or an index, or LookupError."""
    with store.raw() as connection:
        row = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        root = row.fetchone()
    if root is None:
        raise LookupError(f"There is no table or index {name}.")
    data = store.sqlite.read_bytes()
    size = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    btree = BTree(size, [], [], [])
    todo = [int(root[0])]
    while todo:
        page = todo.pop()
        base = (page - 1) * size
        head = base + (100 if page == 1 else 0)
        kind = data[head]
        cells = struct.unpack_from(">H", data, head + 3)[0]
        at = head + (12 if kind in (2, 5) else 8)
        pointers = struct.unpack_from(f">{cells}H", data, at)
        if kind in (2, 5):
            btree.inner.append(page)
            todo.append(struct.unpack_from(">I", data, head + 8)[0])
            todo.extend(struct.unpack_from(">I", data, base + p)[0] for p in reversed(pointers))
        elif kind in (10, 13):
            btree.leaves.append(page)
            if kind == 13:
                for pointer in pointers:
                    btree.overflow.extend(_overflow(data, size, base, pointer))
        else:
            raise LookupError(f"Page {page} of {name} is no b-tree page.")
    return btree


def find_in_pages(store: StoreEditor, pages: list[int], size: int, needle: bytes) -> list[int]:
    """File offsets of `needle` inside these pages, or LookupError."""
    data = store.sqlite.read_bytes()
    offsets = []
    for page in pages:
        at = data.find(needle, (page - 1) * size, page * size)
        while at >= 0:
            offsets.append(at)
            at = data.find(needle, at + 1, page * size)
    if not offsets:
        raise LookupError("The text to damage is not in these pages.")
    return offsets


def flip_until_seen(
    store: StoreEditor, offsets: list[int], sql: str, values: tuple[Any, ...], bit: int = 0
) -> None:
    """Flip a bit at the offset that changes what `sql` gives; others may be dead page space."""

    def ask() -> Any:
        with store.raw() as db:
            return db.execute(sql, values).fetchall()

    before = ask()
    for offset in offsets:
        flip_bit(store.sqlite, offset, bit)
        if ask() != before:
            return
        flip_bit(store.sqlite, offset, bit)
    raise LookupError("No copy of the text to damage is in use.")
