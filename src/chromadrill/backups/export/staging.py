"""The plan of an import: where each collection goes, decided or refused before anything is created."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chromadrill.backups.export.types import Reader
from chromadrill.core.errors import UsageError
from chromadrill.core.model import CollectionInfo, Fingerprint, Scope

STAGING = "chromadrill-import-"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")


@dataclass(frozen=True, slots=True)
class Move:
    """One collection of an export, by its key there, and where it goes: name and staging name."""

    key: str
    info: CollectionInfo
    scope: Scope
    name: str
    staging: str

    @property
    def to(self) -> str:
        """The key of the collection where it goes."""
        return f"{self.scope}/{self.name}"

    @property
    def aside(self) -> str:
        """The name that somebody's empty collection of the same name gets meanwhile."""
        return f"{self.staging}-aside"


def plan(export: Reader, *, into: str | None, scope: Scope | None) -> list[Move]:
    """Return a move for each collection of the export.

    Raises UsageError for names that the server would refuse, and where two would go to one place.
    """
    prints = export.fingerprint.collections
    if into is not None:
        if len(prints) != 1:
            raise UsageError(f"--into names one collection; the export holds {len(prints)}.")
        require_name("--into", into)
    if scope is not None:
        require_name("--scope", scope.database)
        if len(scope.tenant) < 3:
            raise UsageError(f"--scope {scope}: a tenant's name has at least 3 characters.")
    moves = [
        Move(
            key,
            collection.info,
            scope or collection.info.scope,
            collection.info.name if into is None else into,
            f"{STAGING}{export.sha256[:12]}-{number}",
        )
        for number, (key, collection) in enumerate(sorted(prints.items()))
    ]
    if len({move.to for move in moves}) != len(moves):
        raise UsageError(
            "--scope would bring collections of one name together. Restore them one by one."
        )
    return moves


def require_name(option: str, name: str) -> None:
    """Raise UsageError unless Chroma 1.5.9 takes this as a collection's or database's name."""
    try:
        ipaddress.IPv4Address(name)
        address = True
    except ValueError:
        address = False
    if address or ".." in name or not _NAME.fullmatch(name) or name.startswith(STAGING):
        raise UsageError(
            f"{option}: '{name}' is no name for Chroma. A name has 3 to 512 of a-z A-Z 0-9 . _ - with"
            f" a letter or digit at both ends. It has no '..', is no IP address, and does not begin"
            f" with {STAGING}."
        )


def fingerprint_after(
    before: Fingerprint, moves: Sequence[Move], names: Mapping[str, str]
) -> Fingerprint:
    """Return the fingerprint of the collections of `moves` alone, under `names` (by key)."""
    prints = {}
    for move in moves:
        info = dataclasses.replace(
            move.info,
            tenant=move.scope.tenant,
            database=move.scope.database,
            name=names[move.key],
        )
        prints[info.key] = dataclasses.replace(before.collections[move.key], info=info)
    scopes = tuple(sorted({move.scope for move in moves}))
    return dataclasses.replace(before, scopes=scopes, databases=scopes, collections=prints)
