"""The exchange of two collections' names. Chroma has no atomic swap: two renames do it."""

from __future__ import annotations

import contextlib

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import CollectionInfo


def take_name(
    chroma: Chroma, collection: CollectionInfo, name: str, aside: str
) -> CollectionInfo | None:
    """Give `name` to `collection`; whatever has the name now is renamed to `aside` and returned.

    Both are renamed by id, after a new look-up: somebody may have taken the name meanwhile. Between
    the two renames nobody has the name; both collections exist whenever this is killed. Raises
    CallFailed, with the old one back under its name where the server still allows it.
    """
    others = chroma.collections(collection.scope)
    other = next((info for info in others if info.name == name), None)
    if other and other.id == collection.id:
        return None
    if other:
        chroma.rename_collection(other, aside)
    try:
        chroma.rename_collection(collection, name)
    except CallFailed:
        if other:
            with contextlib.suppress(CallFailed):
                chroma.rename_collection(other, name)
        raise
    return other
