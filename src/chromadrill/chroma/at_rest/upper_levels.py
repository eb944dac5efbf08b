"""The upper levels of one index: the lists of links in link_lists.bin, one row after the other."""

from __future__ import annotations

import re
from array import array
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.index import HnswIndex, regular_size

_CHUNK = 4096
_HIGHEST = 2**16 - 1
_NOT_ZERO = re.compile(rb"[^\0]")
_Numbers = npt.NDArray[np.int64]


class _Lists(NamedTuple):
    """Rows with lists, how many levels each has, and the number in the file with which they begin."""

    rows: _Numbers
    levels: _Numbers
    begins: _Numbers


class _CutOff(Exception):
    """The lists end before their last row."""


def upper_link_problems(index: HnswIndex) -> list[str]:
    """Return what is wrong with the links above the ground level, as clauses of a sentence."""
    header = index.header
    try:
        numbers = _read_uint32(index.directory / "link_lists.bin")
    except PermissionError:
        raise  # what may not be read is not damaged
    except OSError as error:
        return [f"link_lists.bin cannot be read ({error})"]
    settled = min(header.elements, index.added if index.added is not None else header.elements)
    per_level = 1 + header.max_links
    try:
        lists = _lists(numbers, header.elements, per_level, min(max(header.top_level, 0), _HIGHEST))
    except _CutOff as error:
        # also behind the rows that the pickle knows: a server takes none of the index then (measured)
        return [str(error)]
    levels = np.zeros(header.elements, np.uint16)
    levels[lists.rows] = lists.levels
    problems = []
    ep = header.entry_point
    if 0 <= ep < settled and levels[ep] != header.top_level:
        problems.append(f"its entry point lies on level {levels[ep]} instead of {header.top_level}")
    if bad := _rows_that_lead_nowhere(numbers, lists, levels, per_level):
        problems.append(f"{bad} rows have links on upper levels that lead nowhere")
    return problems


def _lists(numbers: npt.NDArray[np.uint32], rows: int, per_level: int, top: int) -> _Lists:
    """Walk from list to list. A row without one is a zero, and most rows are: they are skipped."""
    data = numbers.data.cast("B") if len(numbers) else memoryview(b"")
    found = array("q"), array("q"), array("q")
    row = position = 0
    while row < rows:
        match = _NOT_ZERO.search(data, 4 * position)
        zeros = (match.start() // 4 if match else max(position, len(numbers))) - position
        row, position = row + zeros, position + zeros
        if row >= rows:
            break
        if match is None:
            raise _CutOff(f"link_lists.bin is cut off at row {row}")
        size = int(numbers[position])
        if size % (4 * per_level) or size // (4 * per_level) > top:
            raise _CutOff(f"link_lists.bin has an impossible length at row {row}")
        for column, value in zip(found, (row, size // (4 * per_level), position + 1), strict=True):
            column.append(value)
        row, position = row + 1, position + 1 + size // 4
    if found[2] and found[2][-1] + found[1][-1] * per_level > len(numbers):
        raise _CutOff("link_lists.bin is cut off within its last lists")
    return _Lists(*(np.frombuffer(column, np.int64) for column in found))


def _rows_that_lead_nowhere(
    numbers: npt.NDArray[np.uint32], lists: _Lists, levels: npt.NDArray[np.uint16], per_level: int
) -> int:
    bad = np.zeros(len(levels), np.bool_)
    for level in range(1, int(lists.levels.max(initial=0)) + 1):
        here = np.flatnonzero(lists.levels >= level)
        for start in range(0, len(here), _CHUNK):
            part = here[start : start + _CHUNK]
            begins = lists.begins[part] + (level - 1) * per_level
            block = numbers[begins[:, None] + np.arange(per_level)]
            counts, targets = block[:, 0] & 0xFFFF, block[:, 1:]
            used = np.arange(per_level - 1)[None, :] < counts[:, None]
            inside = targets < len(levels)
            reached = levels[np.where(inside, targets, 0)] >= level
            lost = (used & ~(inside & reached)).any(axis=1)
            bad[lists.rows[part]] |= lost | (counts > per_level - 1)
    return int(bad.sum())


def _read_uint32(file: Path) -> npt.NDArray[np.uint32]:
    size = regular_size(file) // 4
    return np.memmap(file, "<u4", "r", shape=(size,)) if size else np.zeros(0, np.uint32)
