"""The b-trees of a damaged file: rows of the pages that are sound, and the ranges that are lost.

A page is taken for what its parent says of it. Its rows must lie within the parent's bounds, in
ascending order, and have the table's shape; others are not that table's. So two pages that changed
places are told apart, and a page whose type byte alone is wrong is read all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from chromadrill.chroma.remains.cells import Cell, Garbled, Row, first_of, pointers, read_cell
from chromadrill.chroma.remains.page_file import (
    INNER_INDEX,
    INNER_TABLE,
    LEAF_INDEX,
    LEAF_TABLE,
    PageFile,
)

LOWEST, HIGHEST = -(1 << 63) - 1, (1 << 63) - 1
_DEEPEST = 20
IsRow = Callable[[Row], bool]


class Gap(NamedTuple):
    """Rowids above `low`, up to `high`, of which some were not read."""

    low: int
    high: int


@dataclass(slots=True)
class PageMarks:
    """Which pages were read as part of some tree, a byte for each."""

    marks: bytearray

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.marks[number] = 1

    def discard(self, number: int) -> None:
        self.marks[number] = 0

    def __contains__(self, number: int) -> bool:
        return bool(self.marks[number])


@dataclass(slots=True)
class TableTree:
    """A table by its root page. `gaps` and `damaged` (pages) are known once `rows` has ended."""

    file: PageFile
    root: int
    is_row: IsRow
    seen: PageMarks
    gaps: list[Gap] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    leaves: list[tuple[int, Gap]] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield (rowid, values) of every row that can be read, in the order of rowids."""
        yield from self._walk(self.root, LOWEST, HIGHEST, 0)

    def hidden_rows(self, wanted: set[int]) -> Iterator[tuple[int, Row]]:
        """Yield rows that their page no longer counts, of the rowids `wanted`. They may be stale."""
        for number, (low, high) in self.leaves:
            page = self.file.page(number)
            for at in pointers(page, first_of(number), hidden=True) if page else ():
                try:
                    cell = read_cell(self.file, page or b"", at, LEAF_TABLE)
                except Garbled:
                    continue
                is_ours = low < cell.rowid <= high and cell.rowid in wanted
                if is_ours and cell.row is not None and self.is_row(cell.row):
                    yield cell.rowid, cell.row

    def _walk(self, number: int, low: int, high: int, depth: int) -> Iterator[tuple[int, Row]]:
        page = self.file.page(number)
        if page is None or number in self.seen or depth > _DEEPEST:
            self._lose(number, low, high)
            return
        self.seen.add(number)
        if page[first_of(number)] == INNER_TABLE:
            children = self._children(number, page, low, high)
            if children is None:
                self.seen.discard(number)
                self._lose(number, low, high)
                return
            for child, below, above in children:
                yield from self._walk(child, below, above, depth + 1)
            return
        yield from self._leaf(number, page, low, high)

    def _children(
        self, number: int, page: bytes, low: int, high: int
    ) -> list[tuple[int, int, int]] | None:
        """(page, low, high) of each child; None where the page is no inner page of these bounds."""
        first = first_of(number)
        children, below = [], low
        for at in pointers(page, first):
            try:
                cell = read_cell(self.file, page, at, INNER_TABLE)
            except Garbled:
                self.gaps.append(Gap(below, high))
                self._note(number)
                continue
            if not below < cell.rowid <= high:
                return None
            children.append((cell.child, below, cell.rowid))
            below = cell.rowid
        rightmost = int.from_bytes(page[first + 8 : first + 12], "big")
        if not 1 <= rightmost <= self.file.pages:
            self.gaps.append(Gap(below, high))
            self._note(number)
            return children or None
        return [*children, (rightmost, below, high)]

    def _leaf(self, number: int, page: bytes, low: int, high: int) -> Iterator[tuple[int, Row]]:
        rows, overflow, lost, last = list[tuple[int, Row]](), list[int](), 0, low
        for at in pointers(page, first_of(number)):
            try:
                cell = read_cell(self.file, page, at, LEAF_TABLE)
            except Garbled:
                lost += 1
                continue
            if cell.row is None or not last < cell.rowid <= high or not self.is_row(cell.row):
                lost += 1
                continue
            rows.append((cell.rowid, cell.row))
            overflow += cell.overflow
            last = cell.rowid
        # an empty table is one leaf without a cell
        is_empty = number == self.root and page[first_of(number)] == LEAF_TABLE
        if lost > len(rows) or (not rows and not is_empty):
            self.seen.discard(number)
            self._lose(number, low, high)
            return
        if lost or page[first_of(number)] != LEAF_TABLE:
            self._note(number)
            self.gaps.append(Gap(low, high))
        self.seen.add(*overflow)
        self.leaves.append((number, Gap(low, high)))
        yield from rows

    def _lose(self, number: int, low: int, high: int) -> None:
        self.gaps.append(Gap(low, high))
        self._note(number)

    def _note(self, number: int) -> None:
        if number not in self.damaged:
            self.damaged.append(number)


def index_entries(
    file: PageFile, root: int, width: int, seen: PageMarks
) -> Iterator[tuple[int, Row]]:
    """Yield (rowid, the `width` columns) of each entry of an index that can be read."""
    stack = [root]
    while stack:
        number = stack.pop()
        page = file.page(number)
        if page is None or number in seen:
            continue
        first = first_of(number)
        kind = page[first]
        if kind not in (INNER_INDEX, LEAF_INDEX):
            continue
        seen.add(number)
        if kind == INNER_INDEX:
            stack.append(int.from_bytes(page[first + 8 : first + 12], "big"))
        for at in pointers(page, first):
            try:
                cell = read_cell(file, page, at, kind)
            except Garbled:
                continue
            seen.add(*cell.overflow)
            if cell.child:
                stack.append(cell.child)
            if cell.row and len(cell.row) == width + 1 and isinstance(cell.row[-1], int):
                yield cell.row[-1], cell.row[:-1]


def leaf_rows(file: PageFile, number: int) -> list[Cell] | None:
    """Return the cells of a page that is a table's leaf throughout; None where it is none."""
    page = file.page(number)
    if page is None or page[first_of(number)] != LEAF_TABLE:
        return None
    cells = list[Cell]()
    try:
        for at in pointers(page, first_of(number)):
            cell = read_cell(file, page, at, LEAF_TABLE)
            if cells and cell.rowid <= cells[-1].rowid:
                return None
            cells.append(cell)
    except Garbled:
        return None
    return cells or None
