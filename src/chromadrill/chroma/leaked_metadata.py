"""Metadata that leak into new records, and their removal: records carry what was written, no more.

Trap: 1.5.9 leaves the list metadata of a dropped collection behind, under row numbers that it gives
to new records of any collection (chroma issue 7594; seen in 12 of 16 collections). And an upsert
merges metadata into those of a record that is there already.
"""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo


def remove_leaked_keys(
    chroma: Chroma, info: CollectionInfo, ids: Sequence[str], metadatas: Sequence[JSON | None]
) -> None:
    """Remove the keys that the records `ids`, just written, have beyond `metadatas`.

    Raises CallFailed.
    """
    raw = chroma.get(info, ids=ids, include=("metadatas",))
    wanted = dict(zip(ids, metadatas, strict=True))
    leaks = {
        record: dict.fromkeys(sorted(extra))
        for record, metadata in zip(raw["ids"], raw["metadatas"] or [], strict=False)
        if (extra := (metadata or {}).keys() - (wanted.get(record) or {}).keys())
    }
    if leaks:
        chroma.update_metadata(info, list(leaks), list(leaks.values()))
