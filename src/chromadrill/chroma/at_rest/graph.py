"""Checks of one index's files: links, levels, labels and stored vectors.

A server killed while it writes an index leaves rows that the pickle does not know yet (labels
above `added`); it takes them in again from the log, so nothing is said about those rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.index import HnswIndex, regular_size

_CHUNK = 4096
_LENGTHS_JUDGED = (1e-15, 1e15)  # outside, the squares underflow or overflow float32


def graph_problems(index: HnswIndex, cosine: bool, live: npt.NDArray[np.int64]) -> list[str]:
    """Clauses about what hnswlib never writes. `live`: row numbers whose vectors are served."""
    header, found = index.header, []
    if header.elements > header.capacity:
        found.append(
            f"its header counts {header.elements} rows for a capacity of {header.capacity}"
        )
    if header.max_links0 != 2 * header.max_links or header.m != header.max_links:
        found.append("its header contradicts itself about the links of a row")
    if index.short:
        found.append(
            f"data_level0.bin is cut off after {len(index.rows)} of {header.elements} rows"
        )
    if len(index.lengths) < len(index.rows):
        found.append(f"length.bin is cut off after {len(index.lengths)} of {header.elements} rows")
    if header.elements and not 0 <= header.entry_point < header.elements:
        found.append(f"its entry point {header.entry_point} is not one of {header.elements} rows")
    found += _labels(index)
    found += _ground_links(index)
    if not index.short:
        found += _upper_links(index)
    found += _values(index, cosine, live)
    return found


def _labels(index: HnswIndex) -> list[str]:
    found = []
    inverse = {label: id_ for id_, label in index.id_to_label.items()}
    if inverse != index.label_to_id:
        found.append("its pickle does not map ids and labels one to one")
    added = index.added if index.added is not None else 2**62
    if index.label_to_id and max(index.label_to_id) > added:
        found.append(f"its pickle holds labels above the {added} it ever gave out")
    settled = index.labels[index.labels <= added]
    if len(np.unique(settled)) != len(settled):
        found.append("two rows carry the same label")
    owned = np.fromiter(index.label_to_id, np.uint64, len(index.label_to_id))
    missing = len(np.setdiff1d(owned, index.labels))
    if missing:
        found.append(f"{missing} labels of its pickle have no row")
    undeleted = index.labels[(index.labels <= added) & ~index.deleted]
    stray = len(np.setdiff1d(undeleted, owned))
    if stray:
        found.append(f"{stray} rows carry labels that its pickle does not know")
    return found


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
    found = []
    if wide:
        found.append(f"{wide} rows claim more than {width} links")
    if outside:
        found.append(f"{outside} rows link to rows that do not exist")
    return found


def _upper_links(index: HnswIndex) -> list[str]:
    header = index.header
    try:
        words = _words(index.directory / "link_lists.bin")
    except OSError as error:
        return [f"link_lists.bin cannot be read ({error})"]
    settled = min(header.elements, index.added if index.added is not None else header.elements)
    per_level = 1 + header.max_links
    levels = np.zeros(header.elements, np.int64)
    lists: list[tuple[int, int]] = []  # row number, word where its lists begin
    at = 0
    for row in range(header.elements):
        if at >= len(words):
            return [] if row >= settled else [f"link_lists.bin is cut off at row {row}"]
        size = int(words[at])
        if size:
            if size % (4 * per_level) or size // (4 * per_level) > max(header.top_level, 0):
                return [f"link_lists.bin has an impossible length at row {row}"]
            levels[row] = size // (4 * per_level)
            lists.append((row, at + 1))
        at += 1 + size // 4
    if at > len(words):
        return ["link_lists.bin is cut off within its last lists"]
    found = []
    ep = header.entry_point
    if 0 <= ep < settled and levels[ep] != header.top_level:
        found.append(f"its entry point lies on level {levels[ep]} instead of {header.top_level}")
    bad = 0
    for row, begin in lists:
        block = np.array(words[begin : begin + per_level * int(levels[row])])
        block = block.reshape(int(levels[row]), per_level)
        counts = block[:, 0] & 0xFFFF
        used = np.arange(per_level - 1)[None, :] < counts[:, None]
        targets = block[:, 1:]
        inside = targets < header.elements
        reached = levels[np.where(inside, targets, 0)] >= np.arange(1, len(block) + 1)[:, None]
        bad += bool((counts > per_level - 1).any() or (used & ~(inside & reached)).any())
    if bad:
        found.append(f"{bad} rows have links on upper levels that lead nowhere")
    return found


def _values(index: HnswIndex, cosine: bool, live: npt.NDArray[np.int64]) -> list[str]:
    infinite, skewed, broken, emptied = 0, 0, 0, 0
    live = live[live < len(index.lengths)] if cosine else live
    for start in range(0, len(live), _CHUNK):
        part = live[start : start + _CHUNK]
        vectors = index.stored_vectors(part).astype(np.float64)
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
    found = []
    if infinite:
        found.append(f"{infinite} stored vectors are not finite numbers")
    if skewed:
        found.append(f"{skewed} stored vectors are not of length 1 although the space is cosine")
    # One alone may be real: a vector of about 1e-30 is stored with length 0 and a row of norm 1.
    lengthless = broken + (emptied if emptied > 1 else 0)
    if lengthless:
        found.append(f"{lengthless} vectors have lost their length in length.bin")
    return found


def _words(file: Path) -> npt.NDArray[np.uint32]:
    size = regular_size(file) // 4
    return np.memmap(file, "<u4", "r", shape=(size,)) if size else np.zeros(0, np.uint32)
