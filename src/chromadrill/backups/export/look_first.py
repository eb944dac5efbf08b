"""Will the target take this export? Asked before anything is written there."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.backups.export.requirements import LargestRecords, elsewhere, refused_names
from chromadrill.backups.export.staging import Move
from chromadrill.backups.export.types import Reader
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.request_size import require_request_taken
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Scope


def require_takes(chroma: Chroma, export: Reader, moves: Sequence[Move]) -> None:
    """Raise Unavailable for a name or a size of the export that the target will not take."""
    _require_names(chroma, moves)
    largest = LargestRecords.of(export).largest(move.key for move in moves)
    if largest:
        key, record = largest
        require_request_taken(chroma, record.request_bytes, f"record '{record.id}' of {key}")


def _require_names(chroma: Chroma, moves: Sequence[Move]) -> None:
    """What is there already needs not be created: only an administrator could have made it."""
    for name in refused_names(move.target for move in moves):
        if name["kind"] == "tenant" and chroma.tenant_exists(name["name"]):
            continue
        if name["kind"] == "database":
            scope = Scope.parse(name["name"])
            if chroma.tenant_exists(scope.tenant) and scope.database in chroma.databases(
                scope.tenant
            ):
                continue
        raise _refused(name)


def require_creatable(moves: Sequence[Move]) -> None:
    """Raise Unavailable for a name that an empty server creates nothing by."""
    for name in refused_names(move.target for move in moves):
        raise _refused(name)


def _refused(name: JSON) -> Unavailable:
    kind, text = name["kind"], elsewhere(name["kind"], name["name"])
    return Unavailable(
        f"{kind} '{name['name']}': Chroma's API creates none of this name. Nothing was written.",
        next_step=f"{text[0].upper()}{text[1:]}.",
    )
