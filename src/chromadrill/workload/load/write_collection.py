"""The one collection that a load run writes to: made for it, removed after it."""

from __future__ import annotations

from collections.abc import Mapping

from chromadrill.checks.load import writes_present
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import CollectionInfo, Scope, Verdict


def make(chroma: Chroma, run: str) -> CollectionInfo:
    """`drill-<run>-load`, new; raises CallFailed if there is one already."""
    return chroma.create_collection(Scope(), f"drill-{run}-load")


def kept(chroma: Chroma, made: CollectionInfo, acknowledged: Mapping[str, str]) -> Verdict:
    """Are the documents of all acknowledged writes, by id, in it? Raises CallFailed."""
    there: dict[str, str | None] = {}
    for page in chroma.pages(chroma.collection(made.scope, made.name)):
        there |= dict(zip(page.ids, page.documents, strict=True))
    missing = [i for i, document in acknowledged.items() if there.get(i) != document]
    return writes_present(len(acknowledged), missing)


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
