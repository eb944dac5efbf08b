"""Fill a server that is not ours with the dataset, and empty it again: only where drills alone are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chromadrill.chroma.access import OURS
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.datasets.standard import Dataset
from chromadrill.errors import Refused
from chromadrill.model import CollectionInfo, Scope

MARKER = "drill-dataset"  # an empty collection: what is here was put here by a drill


def fill(chroma: Chroma, dataset: Dataset) -> None:
    """The dataset, and nothing else, is there afterwards.

    Raises Refused, before anything is written, for a server that holds what no drill put there.
    """
    there = everything(chroma, dataset.scopes)
    may_be_filled(there, {(each.scope, each.name) for each in dataset.collections})
    if not any(each.name == MARKER for each in there):
        chroma.create_collection(Scope(), MARKER)  # first: a fill that is killed is recognised
    for each in there:
        if each.name != MARKER:
            chroma.delete_collection(each.scope, each.name)
    dataset.load(chroma)


def may_be_filled(there: Sequence[CollectionInfo], ours: Collection[tuple[Scope, str]]) -> None:
    """Raise Refused unless the server is empty, or was filled by a drill and holds only that."""
    marked = any(each.name == MARKER for each in there)
    foreign = [
        each.key
        for each in there
        if not marked or not ((each.scope, each.name) in ours or each.name.startswith(OURS))
    ]
    if foreign:
        raise Refused(
            f"The target holds what no drill put there: {', '.join(foreign[:5])}"
            f"{' and more' if len(foreign) > 5 else ''}. A restore would roll it back;"
            " nothing was written.",
            next_step="Drill an environment of its own, with an empty Chroma.",
        )


def everything(chroma: Chroma, scopes: Sequence[Scope]) -> list[CollectionInfo]:
    """All collections of all databases of the tenants of `scopes`; tenants cannot be listed."""
    found = []
    for tenant in sorted({Scope().tenant, *(each.tenant for each in scopes)}):
        try:
            databases = chroma.databases(tenant)
        except CallFailed as error:
            if error.status == 0 or error.status >= 500:
                raise
            continue  # no such tenant
        for database in databases:
            found += chroma.collections(Scope(tenant, database))
    return found
