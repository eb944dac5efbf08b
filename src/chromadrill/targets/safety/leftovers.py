"""Names of what a run makes, and which of them a dead run left: found by the name alone.

    drill-<UTC time>-<host>-<pid>-<random>-<what>

Nothing else on the server says whose a collection is. A marker of its own could be lost with it.
The name has no room for a whole tag of `process_tags`: Chroma 1.0 takes 63 characters.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.run_names import RUN_NAME
from chromadrill.core import process_tags
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.targets.safety.owned_data import list_all_collections

# no drill takes so long: what is older is of a run that is dead, on whatever machine it ran
LONGEST = timedelta(hours=24)


def new_run() -> str:
    """What comes between `drill-` and the last part of every name that this run makes."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}-{this_host()}-{os.getpid()}-{uuid.uuid4().hex[:4]}"


def this_host() -> str:
    """Four digits that say where a process id means this very process."""
    return process_tags.place()[:4]


def is_of_dead_run(
    name: str, *, now: datetime, host: str, is_gone: Callable[[int], bool]
) -> bool | None:
    """Whether the run that made a collection of this name is dead; None: not a run's name."""
    match = RUN_NAME.fullmatch(name)
    if match is None:
        return None
    try:
        created = datetime.strptime(match["time"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if now - created > LONGEST:
        return True
    return match["host"] == host and is_gone(int(match["pid"]))


def find(chroma: Chroma, scopes: Sequence[Scope]) -> list[CollectionInfo]:
    """Collections that dead runs left behind."""
    now, host, is_gone = datetime.now(UTC), this_host(), process_tags.is_gone
    return [
        collection
        for collection in list_all_collections(chroma, scopes)
        if is_of_dead_run(collection.name, now=now, host=host, is_gone=is_gone)
    ]


def sweep(chroma: Chroma, scopes: Sequence[Scope]) -> list[str]:
    """Remove what dead runs left behind; returns the keys of the collections.

    A collection that another sweep has removed meanwhile is fine.
    """
    removed = []
    for collection in find(chroma, scopes):
        try:
            chroma.delete_collection(collection.scope, collection.name)
        except CallFailed as error:
            if not error.is_missing:
                raise
        removed.append(collection.key)
    return removed
