"""How many records a server holds: of one collection, or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.workload.data.standard import MAIN


def collection_counts(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None
) -> Mapping[str, int]:
    """Count `name`; by default `bmad_embeddings` where there is one, else every collection."""
    infos = [info for scope in scopes or (Scope(),) for info in chroma.collections(scope)]
    chosen = [info for info in infos if info.name == (name or MAIN)]
    if name and not chosen:
        known = ", ".join(info.name for info in infos) or "none"
        raise Unavailable(f"No collection '{name}' there. Known: {known}.")
    return {info.key: chroma.count(info) for info in chosen or infos}
