"""A SQLite file as pages, read one by one: what SQLite refuses as a whole is sound in most of its pages.

The format is SQLite's own (https://sqlite.org/fileformat2.html). No field of the file is believed: sizes
are held against the file's length, page numbers against its pages.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

HEADER = 100  # bytes, before the first page's own header
MAGIC = b"SQLite format 3\0"
INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
_KINDS = (INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE)
_SIZES = tuple(1 << power for power in range(9, 17))
_USUAL = 4096  # what Chroma's databases have
_LOOKED_AT = 400  # pages, to tell the page size where the header does not


class PageFile:
    """`pages` pages of `size` bytes, of which `usable` hold data; numbered from 1."""

    def __init__(self, file: Path) -> None:
        """Open `file` for reading. Raises OSError."""
        self._file = file.open("rb", buffering=0)
        self.length = os.fstat(self._file.fileno()).st_size
        head = self._read(0, HEADER).ljust(HEADER, b"\0")
        self.has_header = head[:16] == MAGIC
        self.size = self._told_size(head) or self._likely_size()
        reserved = head[20] if self.has_header and head[20] <= self.size - 480 else 0
        self.usable = self.size - reserved
        self.pages = self.length // self.size
        self._first_free, self._free = struct.unpack_from(">II", head, 32)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> PageFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def page(self, number: int) -> bytes | None:
        """Return the bytes of a page; None for a page that the file does not have."""
        if not 1 <= number <= self.pages:
            return None
        return self._read((number - 1) * self.size, self.size)

    def free_pages(self) -> set[int] | None:
        """Return the pages that hold nothing; None where their list is damaged."""
        free: set[int] = set()
        trunk = self._first_free
        while trunk:
            page = self.page(trunk)
            if page is None or trunk in free:
                return None
            free.add(trunk)
            trunk, count = struct.unpack_from(">II", page)
            if count > self.usable // 4 - 2:
                return None
            leaves = struct.unpack_from(f">{count}I", page, 8)
            if any(not 1 <= leaf <= self.pages for leaf in leaves):
                return None
            free.update(leaves)
        return free if len(free) == self._free and self.has_header else None

    def _read(self, at: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, at)

    def _told_size(self, head: bytes) -> int:
        """The header's page size where its count of pages makes the file's length; else 0."""
        (size,) = struct.unpack_from(">H", head, 16)
        (pages,) = struct.unpack_from(">I", head, 28)
        size = 65536 if size == 1 else size
        return size if size in _SIZES and size * pages == self.length else 0

    def _likely_size(self) -> int:
        """The smallest size at which pages begin as pages do: a multiple of it looks as good."""
        scores = {size: self._plausible(size) for size in _SIZES}
        best = max(scores.values())
        return next(size for size in _SIZES if scores[size] >= 0.8 * best) if best else _USUAL

    def _plausible(self, size: int) -> float:
        """The share of some pages that begin as b-tree pages of this size do."""
        pages = self.length // size
        # odd: an even step passes over every page of a smaller size
        step = max(1, pages // _LOOKED_AT) | 1
        heads = [self._read(number * size, 12) for number in range(1, pages, step)]
        return sum(_is_tree(head, size) for head in heads) / len(heads) if heads else 0.0


def _is_tree(head: bytes, size: int) -> bool:
    if len(head) < 12 or head[0] not in _KINDS:
        return False
    _, cells, content = struct.unpack_from(">HHH", head, 1)
    content = content or 65536
    return bool(8 + 2 * cells <= content <= size)
