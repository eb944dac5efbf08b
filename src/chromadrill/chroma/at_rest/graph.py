"""Checks of one index's files: links, levels, labels and vectors.

A server that is killed while it writes an index leaves rows that the pickle does not know yet, with
labels above `added`. The next server takes them in again from the log, so the checks pass over them.
It cannot take in a deletion again: its log then stands still at it, and every call ends with 500.
A power cut may leave the opposite, a pickle that is newer than the rows. The log is then taken in
again too, deletions as well: what it explains is no damage.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.id_hashes import count_missing
from chromadrill.chroma.at_rest.index import Bytes, HnswIndex, IndexHeader
from chromadrill.chroma.at_rest.upper_levels import upper_link_problems

Vectors = npt.NDArray[np.float32]
_LOOKED_UP = 1 << 16  # labels
_LENGTHS_JUDGED = (1e-15, 1e15)  # outside, the squares underflow or overflow float32


class LogTail(NamedTuple):
    """What the log still has for the next server: labels that it writes anew, and how many deletions."""

    rewritten: npt.NDArray[np.integer[Any]]
    deletions: int


def graph_problems(
    index: HnswIndex, cosine: bool, is_live: npt.NDArray[np.bool_], log: LogTail
) -> list[str]:
    """Return what hnswlib never writes, as clauses of a sentence; empty for a sound index.

    `cosine`: whether the vectors were normalised. `is_live`: the rows whose vectors are served.
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
            f"data_level0.bin is cut off after {index.row_count} of {header.elements} rows"
        )
    if len(index.lengths) < index.row_count:
        problems.append(
            f"length.bin is cut off after {len(index.lengths)} of {header.elements} rows"
        )
    if header.elements and not 0 <= header.entry_point < header.elements:
        problems.append(
            f"its entry point {header.entry_point} is not one of {header.elements} rows"
        )
    problems += _labels(index, log)
    links, values = _read_rows(index, cosine, is_live)
    problems += links.problems()
    if not index.short:
        problems += upper_link_problems(index)
    return problems + values.problems()


def _read_rows(
    index: HnswIndex, cosine: bool, is_live: npt.NDArray[np.bool_]
) -> tuple[_GroundLinks, _Values]:
    """Read the file once for both."""
    links, values = _GroundLinks(index.header), _Values()
    # Only cosine keeps lengths; elsewhere length.bin is whatever the memory held.
    lengths = index.lengths if cosine else None
    for part, rows in index.chunks():
        links.take(rows)
        own = None if lengths is None else lengths[part]
        kept = np.flatnonzero(is_live[part][: None if own is None else len(own)])
        vectors = index.vectors_of(rows, kept)
        del rows  # wide rows are tens of megabytes
        values.take(vectors, None if own is None else own[kept])
        del vectors
    return links, values


def _labels(index: HnswIndex, log: LogTail) -> list[str]:
    problems = []
    if not index.is_one_to_one:
        problems.append("its pickle does not map ids and labels one to one")
    added = index.added if index.added is not None else 2**62
    if index.owned.max(initial=0) > added:
        problems.append(f"its pickle holds labels above the {added} it ever gave out")
    labels = index.sorted_labels
    settled = labels[: int((labels <= added).sum())]
    if (settled[1:] == settled[:-1]).any():
        problems.append("two rows carry the same label")
    missing, is_known = _looked_up(index.owned, labels)
    if missing and len(log.rewritten):
        settled_owned = index.owned[~np.isin(index.owned, log.rewritten)]
        missing, _ = _looked_up(settled_owned, labels)
    if missing:
        problems.append(f"{missing} labels of its pickle have no row")
    strange = settled[~(is_known | index.is_deleted[index.order])[: len(settled)]]
    stray = count_missing(strange, index.owned)
    if stray > log.deletions:
        problems.append(f"{stray} rows carry labels that its pickle does not know")
    if marked := int((is_known & index.is_deleted[index.order]).sum()):
        problems.append(f"{marked} rows of ids in its pickle are marked deleted")
    return problems


def _looked_up(
    owned: npt.NDArray[np.integer[Any]], labels: npt.NDArray[np.integer[Any]]
) -> tuple[int, npt.NDArray[np.bool_]]:
    """Return how many of `owned` have no row, and which of the sorted labels are owned.

    Of two rows with one label only the first is marked.
    """
    is_known, missing = np.zeros(len(labels), np.bool_), 0
    if not len(labels):
        return len(owned), is_known
    for start in range(0, len(owned), _LOOKED_UP):
        part = owned[start : start + _LOOKED_UP]
        places = np.minimum(np.searchsorted(labels, part), len(labels) - 1)
        has_row = labels[places] == part
        is_known[places[has_row]] = True
        missing += int((~has_row).sum())
    return missing, is_known


class _GroundLinks:
    """The links of the ground level, taken in some rows at a time."""

    def __init__(self, header: IndexHeader) -> None:
        self._width, self._rows = header.max_links0, header.elements
        self._wide = self._outside = 0

    def take(self, rows: Bytes) -> None:
        block = np.ascontiguousarray(rows[:, : 4 + 4 * self._width]).view("<u4")
        counts = block[:, 0] & 0xFFFF  # two bytes; the next one marks a deleted row
        self._wide += int((counts > self._width).sum())
        strange = block[:, 1:] >= self._rows  # as a rule none: what is not in use is zero
        if strange.any():
            used = np.arange(self._width)[None, :] < counts[:, None]
            self._outside += int((used & strange).any(axis=1).sum())

    def problems(self) -> list[str]:
        problems = []
        if self._wide:
            problems.append(f"{self._wide} rows claim more than {self._width} links")
        if self._outside:
            problems.append(f"{self._outside} rows link to rows that do not exist")
        return problems


class _Values:
    """The vectors that are served, taken in some rows at a time, with their lengths where cosine."""

    def __init__(self) -> None:
        self._infinite = self._skewed = self._broken = self._emptied = 0

    def take(self, vectors: Vectors, lengths: Vectors | None) -> None:
        with np.errstate(all="ignore"):
            norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        finite = np.isfinite(norms)
        odd = np.flatnonzero(~finite)  # NaN, infinity, or squares beyond float32
        finite[odd] = np.isfinite(vectors[odd]).all(axis=1)
        if lengths is None:
            self._infinite += int((~finite).sum())
            return
        judged = (lengths > _LENGTHS_JUDGED[0]) & (lengths < _LENGTHS_JUDGED[1])
        is_unit = np.abs(norms - 1) < 1e-3
        self._infinite += int((~finite & (judged | (lengths == 0))).sum())
        self._skewed += int((finite & judged & ~is_unit).sum())
        self._broken += int((finite & ((lengths < 0) | np.isnan(lengths))).sum())
        self._emptied += int(((lengths == 0) & is_unit).sum())

    def problems(self) -> list[str]:
        problems = []
        if self._infinite:
            problems.append(f"{self._infinite} stored vectors are not finite numbers")
        if self._skewed:
            problems.append(
                f"{self._skewed} stored vectors are not of length 1 although the space is cosine"
            )
        # One alone may be real: a vector of about 1e-30 is stored with length 0 and a row of norm 1.
        lengthless = self._broken + (self._emptied if self._emptied > 1 else 0)
        if lengthless:
            problems.append(f"{lengthless} vectors have lost their length in length.bin")
        return problems
