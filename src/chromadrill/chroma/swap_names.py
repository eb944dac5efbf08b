"""A collection takes a name that another one may have. Chroma has no atomic swap: two renames do it."""

from __future__ import annotations

import contextlib

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import CollectionInfo


def take_name(chroma: Chroma, made: CollectionInfo, name: str, aside: str) -> CollectionInfo | None:
    """Call `made` by `name`; what was called so is called `aside` from then on, and is returned.

    By ids, and looked up anew: somebody may have taken the name meanwhile. Between the two renames
    nobody has the name; both collections exist whenever this is killed. Raises CallFailed, with the
    old one back under its name where the server still allows it.
    """
    other = next((each for each in chroma.collections(made.scope) if each.name == name), None)
    if other and other.id == made.id:
        return None
    if other:
        chroma.rename_collection(other, aside)
    try:
        chroma.rename_collection(made, name)
    except CallFailed:
        if other:
            with contextlib.suppress(CallFailed):
                chroma.rename_collection(other, name)
        raise
    return other
