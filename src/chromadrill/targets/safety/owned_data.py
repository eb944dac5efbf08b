"""What on a server was put there by a drill, and what is somebody else's."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.run_names import is_run_name
from chromadrill.core.errors import Forbidden
from chromadrill.core.model import CollectionInfo, Scope


def is_from_drill(collection: CollectionInfo, created_ids: Collection[str]) -> bool:
    """Whether a drill created it: by its id, which a restore of the volume keeps, or by a run's name.

    Not by any other name: a user may call his collection as the dataset calls one of its own.
    """
    return collection.id in created_ids or is_run_name(collection.name)


def require_may_be_filled(
    collections: Sequence[CollectionInfo], created_ids: Collection[str]
) -> None:
    """Raise Refused unless the server is empty, or was filled by a drill and holds only that."""
    foreign = [each.key for each in collections if not is_from_drill(each, created_ids)]
    if foreign:
        raise Forbidden(
            f"The target holds what no drill put there: {', '.join(foreign[:5])}"
            f"{' and more' if len(foreign) > 5 else ''}. A restore would roll it back;"
            " nothing was written.",
            next_step="Drill an environment of its own, with an empty Chroma. If a drill made them"
            " whose home is lost, remove them yourself.",
        )


def list_all_collections(chroma: Chroma, scopes: Sequence[Scope]) -> list[CollectionInfo]:
    """All collections of all databases of the tenants of `scopes`; tenants cannot be listed.

    An answer of 404 says that there is no such tenant. Raises CallFailed for every other refusal:
    what may not be listed is not empty.
    """
    collections = []
    for tenant in sorted({Scope().tenant, *(scope.tenant for scope in scopes)}):
        try:
            databases = chroma.databases(tenant)
        except CallFailed as error:
            if not error.is_missing:
                raise
            continue
        for database in databases:
            collections += chroma.collections(Scope(tenant, database))
    return collections
