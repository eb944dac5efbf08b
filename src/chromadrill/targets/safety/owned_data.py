"""What on a server was put there by a drill, and what is somebody else's."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.run_names import is_run_name
from chromadrill.core.errors import Refused
from chromadrill.core.model import CollectionInfo, Scope


def is_from_drill(each: CollectionInfo, made: Collection[str]) -> bool:
    """Whether a drill made it: by its id, which a restore of the volume keeps, or by a run's name.

    Not by any other name: a user may call his collection as the dataset calls one of its own.
    """
    return each.id in made or is_run_name(each.name)


def require_may_be_filled(there: Sequence[CollectionInfo], made: Collection[str]) -> None:
    """Raise Refused unless the server is empty, or was filled by a drill and holds only that."""
    foreign = [each.key for each in there if not is_from_drill(each, made)]
    if foreign:
        raise Refused(
            f"The target holds what no drill put there: {', '.join(foreign[:5])}"
            f"{' and more' if len(foreign) > 5 else ''}. A restore would roll it back;"
            " nothing was written.",
            next_step="Drill an environment of its own, with an empty Chroma. If a drill made them"
            " whose home is lost, remove them yourself.",
        )


def list_all_collections(chroma: Chroma, scopes: Sequence[Scope]) -> list[CollectionInfo]:
    """All collections of all databases of the tenants of `scopes`; tenants cannot be listed.

    Raises CallFailed for whatever else is answered than that there is no such tenant (404): what
    may not be listed is not empty.
    """
    found = []
    for tenant in sorted({Scope().tenant, *(each.tenant for each in scopes)}):
        try:
            databases = chroma.databases(tenant)
        except CallFailed as error:
            if error.status != 404:
                raise
            continue
        for database in databases:
            found += chroma.collections(Scope(tenant, database))
    return found
