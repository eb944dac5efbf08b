"""The one collection that a load run writes to: made for it, removed after it."""

from __future__ import annotations

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.model import CollectionInfo, Scope


def make(chroma: Chroma, run: str) -> CollectionInfo:
    """`drill-<run>-load`, new; raises CallFailed if there is one already."""
    return chroma.create_collection(Scope(), f"drill-{run}-load")


def remove(chroma: Chroma, made: CollectionInfo) -> None:
    """Remove it, if what has its name is still what we made. Raises CallFailed."""
    try:
        there = chroma.collection(made.scope, made.name)
    except CallFailed as error:
        if error.status == 404:
            return
        raise
    if there.id == made.id:
        chroma.delete_collection(made.scope, made.name)
