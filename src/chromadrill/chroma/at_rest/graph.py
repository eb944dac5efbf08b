"""Checks of one index's files: links, levels, labels and vectors.

A server that is killed while it writes an index leaves rows that the pickle does not know yet, with
labels above `added`. The next server takes them in again from the log, so the checks pass over them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.index import HnswIndex, regular_size

_CHUNK = 4096
_LENGTHS_JUDGED = (1e-15, 1e15)  # outside, the squares underflow or overflow float32


def graph_problems(index: HnswIndex, cosine: bool, live: npt.NDArray[np.int64]) -> list[str]:
    """Return what hnswlib never writes, as clauses of a sentence; empty for a sound index.

    `cosine`: whether the vectors were normalised. `live`: numbers of the rows whose vectors are served.
    """
    header, problems = index.header, []
    if header.elements > header.capacity:
        problems.append(
            f"its header counts {header.elements} rows for a capacity of {header.capacity}"
        )
    if header.max_links0 != 2 * header.max_links or header.m != header.max_links:
        problems.append("its header contradicts itself about the links of a row")
    if index.short:
        problems.append(
            f"data_level0.bin is cut off after {len(index.rows)} of {header.elements} rows"
        )
    if len(index.lengths) < len(index.rows):
        problems.append(
            f"length.bin is cut off after {len(index.lengths)} of {header.elements} rows"
        )
    if header.elements and not 0 <= header.entry_point < header.elements:
        problems.append(
            f"its entry point {header.entry_point} is not one of {header.elements} rows"
        )
    problems += _labels(index)
    problems += _ground_links(index)
    if not index.short:
        problems += _upper_links(index)
    problems += _values(index, cosine, live)
    return problems


def _labels(index: HnswIndex) -> list[str]:
    problems = []
    inverse = {label: id_ for id_, label in index.id_to_label.items()}
    if inverse != index.label_to_id:
        problems.append("its pickle does not map ids and labels one to one")
    added = index.added if index.added is not None else 2**62
    if index.label_to_id and max(index.label_to_id) > added:
        problems.append(f"its pickle holds labels above the {added} it ever gave out")
    settled = index.labels[index.labels <= added]
    if len(np.unique(settled)) != len(settled):
        problems.append("two rows carry the same label")
    owned = np.fromiter(index.label_to_id, np.uint64, len(index.label_to_id))
    missing = len(np.setdiff1d(owned, index.labels))
    if missing:
        problems.append(f"{missing} labels of its pickle have no row")
    undeleted = index.labels[(index.labels <= added) & ~index.is_deleted]
    stray = len(np.setdiff1d(undeleted, owned))
    if stray:
        problems.append(f"{stray} rows carry labels that its pickle does not know")
    return problems


def _ground_links(index: HnswIndex) -> list[str]:
    header, wide, outside = index.header, 0, 0
    width = header.max_links0
    for start in range(0, len(index.rows), _CHUNK):
        block = np.ascontiguousarray(index.rows[start : start + _CHUNK, : 4 + 4 * width])
        counts = block[:, :2].copy().view("<u2").reshape(-1)
        links = block[:, 4:].copy().view("<u4").reshape(len(block), width)
        used = np.arange(width)[None, :] < counts[:, None]
        wide += int((counts > width).sum())
        outside += int((used & (links >= header.elements)).any(axis=1).sum())
    problems = []
    if wide:
        problems.append(f"{wide} rows claim more than {width} links")
    if outside:
        problems.append(f"{outside} rows link to rows that do not exist")
    return problems


def _upper_links(index: HnswIndex) -> list[str]:
    header = index.header
    try:
        numbers = _read_uint32(index.directory / "link_lists.bin")
    except OSError as error:
        return [f"link_lists.bin cannot be read ({error})"]
    settled = min(header.elements, index.added if index.added is not None else header.elements)
    per_level = 1 + header.max_links
    levels = np.zeros(header.elements, np.int64)
    lists: list[tuple[int, int]] = []  # row number, number with which its lists begin
    position = 0
    for row in range(header.elements):
        if position >= len(numbers):
            return [] if row >= settled else [f"link_lists.bin is cut off at row {row}"]
        size = int(numbers[position])
        if size:
            if size % (4 * per_level) or size // (4 * per_level) > max(header.top_level, 0):
                return [f"link_lists.bin has an impossible length at row {row}"]
            levels[row] = size // (4 * per_level)
            lists.append((row, position + 1))
        position += 1 + size // 4
    if position > len(numbers):
        return ["link_lists.bin is cut off within its last lists"]
    problems = []
    ep = header.entry_point
    if 0 <= ep < settled and levels[ep] != header.top_level:
        problems.append(f"its entry point lies on level {levels[ep]} instead of {header.top_level}")
    bad = 0
    for row, begin in lists:
        block = np.array(numbers[begin : begin + per_level * int(levels[row])])
        block = block.reshape(int(levels[row]), per_level)
        counts = block[:, 0] & 0xFFFF
        used = np.arange(per_level - 1)[None, :] < counts[:, None]
        targets = block[:, 1:]
        inside = targets < header.elements
        reached = levels[np.where(inside, targets, 0)] >= np.arange(1, len(block) + 1)[:, None]
        bad += bool((counts > per_level - 1).any() or (used & ~(inside & reached)).any())
    if bad:
        problems.append(f"{bad} rows have links on upper levels that lead nowhere")
    return problems


def _values(index: HnswIndex, cosine: bool, live: npt.NDArray[np.int64]) -> list[str]:
    infinite, skewed, broken, emptied = 0, 0, 0, 0
    live = live[live < len(index.lengths)] if cosine else live
    for start in range(0, len(live), _CHUNK):
        part = live[start : start + _CHUNK]
        vectors = index.read_vectors(part).astype(np.float64)
        finite = np.isfinite(vectors).all(axis=1)
        if not cosine:
            infinite += int((~finite).sum())
            continue
        # Only cosine keeps lengths; elsewhere length.bin is whatever the memory held.
        with np.errstate(all="ignore"):
            lengths = index.lengths[part].astype(np.float64)
            norms = np.sqrt((vectors * vectors).sum(axis=1))
            judged = (lengths > _LENGTHS_JUDGED[0]) & (lengths < _LENGTHS_JUDGED[1])
            infinite += int((~finite & (judged | (lengths == 0))).sum())
            skewed += int((finite & judged & ~(np.abs(norms - 1) < 1e-3)).sum())
            broken += int((finite & ((lengths < 0) | np.isnan(lengths))).sum())
            emptied += int(((lengths == 0) & (np.abs(norms - 1) < 1e-3)).sum())
    problems = []
    if infinite:
        problems.append(f"{infinite} stored vectors are not finite numbers")
    if skewed:
        problems.append(f"{skewed} stored vectors are not of length 1 although the space is cosine")
    # One alone may be real: a vector of about 1e-30 is stored with length 0 and a row of norm 1.
    lengthless = broken + (emptied if emptied > 1 else 0)
    if lengthless:
        problems.append(f"{lengthless} vectors have lost their length in length.bin")
    return problems


def _read_uint32(file: Path) -> npt.NDArray[np.uint32]:
    size = regular_size(file) // 4
    return np.memmap(file, "<u4", "r", shape=(size,)) if size else np.zeros(0, np.uint32)
