"""The records that have lost their vectors, found on a server that answers 500 for whole pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo, Page

SEARCH_S = 20.0  # after that, what is left of a failing group counts as lost
# Records asked for one by one before any group is halved. Where each of them has lost its vector, so has
# the rest of the group: 11,000 records that were asked for one by one cost 64 processor seconds.
SAMPLE = 16


def page_despite_lost_vectors(
    chroma: Chroma,
    info: CollectionInfo,
    *,
    offset: int = 0,
    size: int = 1000,
    ids: Sequence[str] | None = None,
) -> Iterator[Page]:
    """Yield pages from record `offset` on, or the records `ids`, with the vectors that can be read.

    Rows without a vector are named in `without_vector`. Raises CallFailed where documents and metadata
    cannot be read either.
    """
    give_up_at = now() + SEARCH_S
    while True:
        raw = chroma.get(
            info,
            ids=ids,
            include=("documents", "metadatas", "uris"),
            limit=None if ids else size,
            offset=None if ids else offset,
        )
        records: list[str] = raw["ids"]
        if not records:
            return
        vectors = _readable(chroma, info, records, give_up_at)
        width = info.dimension or next((len(v) for v in vectors.values()), 0)
        matrix = np.zeros((len(records), width), np.float32)
        for row, record in enumerate(records):
            if record in vectors:
                matrix[row] = vectors[record]
        blank: list[Any] = [None] * len(records)
        yield Page(
            ids=records,
            documents=raw.get("documents") or blank,
            metadatas=raw.get("metadatas") or blank,
            uris=raw.get("uris") or blank,
            vectors=matrix,
            without_vector=tuple(
                row for row, record in enumerate(records) if record not in vectors
            ),
        )
        if ids or len(records) < size:
            return
        offset += size


def _readable(
    chroma: Chroma, info: CollectionInfo, ids: list[str], give_up_at: float
) -> dict[str, list[float]]:
    """Halve failing groups until single records are left, a sample of one is lost, or time is up."""
    known: dict[str, list[float]] = {}
    groups = [ids]
    while groups and now() < give_up_at:
        group = groups.pop()
        try:
            raw = chroma.get(info, ids=group, include=("embeddings",))
        except CallFailed as error:
            if error.status == 0 or error.is_access:
                raise
            half = len(group) // 2
            if half and not (len(group) > 4 * SAMPLE and _all_lost(chroma, info, group)):
                groups += [group[half:], group[:half]]
            continue
        rows = raw.get("embeddings") or []
        known.update({i: v for i, v in zip(raw["ids"], rows, strict=False) if v is not None})
    return known


def _all_lost(chroma: Chroma, info: CollectionInfo, group: list[str]) -> bool:
    """Whether none of a sample, spread over the whole group, has a vector that can be read."""
    places = np.linspace(0, len(group) - 1, SAMPLE).astype(int)
    return not any(_has_vector(chroma, info, group[place]) for place in places)


def _has_vector(chroma: Chroma, info: CollectionInfo, record: str) -> bool:
    try:
        raw = chroma.get(info, ids=[record], include=("embeddings",))
    except CallFailed as error:
        if error.status == 0 or error.is_access:
            raise
        return False
    return any(vector is not None for vector in raw.get("embeddings") or [])
