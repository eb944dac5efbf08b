"""Will the target take this export? Asked before anything is written there."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.backups.export.requirements import LargestRecords, elsewhere, refused_names
from chromadrill.backups.export.staging import Move
from chromadrill.backups.export.types import Reader
from chromadrill.chroma.call_failed import LARGER, CallFailed
from chromadrill.chroma.client import Chroma, scope_path
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Scope

SMALL_BYTES = 1 << 10  # nothing refuses so little: it is not asked about
NO_COLLECTION = "00000000-0000-0000-0000-000000000000"


def require_takes(chroma: Chroma, export: Reader, moves: Sequence[Move]) -> None:
    """Raise Unavailable for a name or a size of the export that the target will not take."""
    _require_names(chroma, moves)
    _require_size(chroma, LargestRecords.of(export), [move.key for move in moves])


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


def _require_size(chroma: Chroma, records: LargestRecords, collections: Sequence[str]) -> None:
    """Ask a collection that there is not for a record of that size: it is only read, in vain.

    Chroma and every gateway look at the size first. An answer other than 413 says nothing.
    """
    known = records.largest(collections)
    if known is None or known[1].request_bytes < SMALL_BYTES:
        return
    key, largest = known
    path = f"{scope_path(Scope())}/collections/{NO_COLLECTION}/get"
    try:
        chroma.call("POST", path, {"ids": ["x" * (largest.request_bytes - len('{"ids":[""]}'))]})
    except CallFailed as error:
        if error.is_too_large:
            raise Unavailable(
                f"{chroma.url} takes no request of {largest.request_bytes:,} bytes, and record"
                f" '{largest.id}' of {key} is one ({error.message}). Nothing was"
                " written.",
                next_step=LARGER,
            ) from error
