"""Records carry the metadata that were written, and no others.

Trap: 1.5.9 leaves the list metadata of a dropped collection behind, under row numbers that it gives
to new records of any collection (chroma issue 7594; seen in 12 of 16 collections). And an upsert
merges metadata into those of a record that is there already.
"""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo


def remove_ghosts(
    chroma: Chroma, info: CollectionInfo, ids: Sequence[str], metadatas: Sequence[JSON | None]
) -> None:
    """Take off the keys that records just written have beyond `metadatas`."""
    found = chroma.get(info, ids=ids, include=("metadatas",))
    wanted = dict(zip(ids, metadatas, strict=True))
    ghosts = {
        record: dict.fromkeys(sorted(extra))
        for record, got in zip(found["ids"], found["metadatas"] or [], strict=False)
        if (extra := (got or {}).keys() - (wanted.get(record) or {}).keys())
    }
    if ghosts:
        chroma.update_metadata(info, list(ghosts), list(ghosts.values()))
