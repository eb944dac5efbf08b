"""How many records a server holds: of one collection, or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromadrill.backups.export.staging import STAGING
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.workload.data.standard import MAIN

UNFINISHED = (".rebuilding", ".regenerating")  # names of a rebuild that is not proven yet


def collection_counts(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None
) -> Mapping[str, int]:
    """Count `name`; by default `bmad_embeddings` where there is one, else every collection.

    What a restore or a rebuild has not finished is no collection that clients ask for: counted, it
    would hide that theirs is missing (neo 13471).
    """
    infos = [info for scope in scopes or (Scope(),) for info in chroma.collections(scope)]
    chosen = [info for info in infos if info.name == (name or MAIN)]
    if name and not chosen:
        known = ", ".join(info.name for info in infos) or "none"
        raise Unavailable(f"No collection '{name}' there. Known: {known}.")
    finished = [info for info in infos if not is_unfinished(info.name)]
    if infos and not (chosen or finished):
        raise Unavailable(
            f"No collection there but {infos[0].key}, which a restore or a rebuild did not finish.",
            next_step="Run that command again: it goes on, or begins anew.",
        )
    return {info.key: chroma.count(info) for info in chosen or finished}


def is_unfinished(name: str) -> bool:
    """Whether a collection is one that a restore or a rebuild fills before it gets its name."""
    return name.startswith(STAGING) or name.endswith(UNFINISHED)
