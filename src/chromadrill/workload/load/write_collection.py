"""The one collection that a load run writes to: created for it, removed after it."""

from __future__ import annotations

from collections.abc import Mapping

from chromadrill.checks.load import writes_present
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import CollectionInfo, Scope, Verdict


def create(chroma: Chroma, run: str) -> CollectionInfo:
    """`drill-<run>-load`, new; raises CallFailed if there is one already."""
    return chroma.create_collection(Scope(), f"drill-{run}-load")


def check_writes(
    chroma: Chroma, collection: CollectionInfo, acknowledged: Mapping[str, str]
) -> Verdict:
    """Are the documents of all acknowledged writes, by id, in it? Raises CallFailed."""
    stored: dict[str, str | None] = {}
    for page in chroma.pages(chroma.collection(collection.scope, collection.name)):
        stored |= dict(zip(page.ids, page.documents, strict=True))
    missing = [i for i, document in acknowledged.items() if stored.get(i) != document]
    return writes_present(len(acknowledged), missing)


def remove(chroma: Chroma, collection: CollectionInfo) -> None:
    """Remove it, if what has its name is still what `create` created. Raises CallFailed."""
    try:
        present = chroma.collection(collection.scope, collection.name)
    except CallFailed as error:
        if error.is_missing:
            return
        raise
    if present.id == collection.id:
        chroma.delete_collection(collection.scope, collection.name)
