"""The plan of an import: where each collection goes, decided or refused before anything is created."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chromadrill.backups.export.places import Places
from chromadrill.backups.export.types import Reader
from chromadrill.core.errors import UsageError
from chromadrill.core.model import CollectionInfo, Fingerprint, Scope

STAGING = "chromadrill-import-"
SHORTEST_TENANT = 3
NAMES = (
    "A name has 3 to 512 of a-z A-Z 0-9 . _ - with a letter or digit at both ends. It has no '..' and is"
    " no IP address."
)
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
    def target(self) -> CollectionInfo:
        """The collection as it will be called where it goes."""
        tenant, database = self.scope.tenant, self.scope.database
        return dataclasses.replace(self.info, tenant=tenant, database=database, name=self.name)

    @property
    def to(self) -> str:
        """The key of the collection where it goes."""
        return f"{self.scope}/{self.name}"

    @property
    def aside(self) -> str:
        """The name that somebody's empty collection of the same name gets meanwhile."""
        return f"{self.staging}-aside"


def plan(export: Reader, *, into: str | None, places: Places | None = None) -> list[Move]:
    """Return a move for each collection of the export, or for those whose database is in `places`.

    Raises UsageError for names that the server would refuse, and where two would go to one place.
    """
    prints = export.fingerprint.collections
    if places is None:
        places = {one.info.scope: one.info.scope for one in prints.values()}
    for source, scope in places.items():
        if scope != source:
            require_name("--scope", scope.database)
            if len(scope.tenant) < SHORTEST_TENANT:
                raise UsageError(f"--scope {scope}: a tenant's name has at least 3 characters.")
    # numbered among all: a killed run of the same export is recognised by them
    moves = [
        Move(
            key,
            collection.info,
            places[collection.info.scope],
            collection.info.name if into is None else into,
            f"{STAGING}{export.sha256[:12]}-{number}",
        )
        for number, (key, collection) in enumerate(sorted(prints.items()))
        if collection.info.scope in places
    ]
    if into is not None:
        if len(moves) != 1:
            raise UsageError(f"--into names one collection; here are {len(moves)}.")
        require_name("--into", into)
    if len({move.to for move in moves}) != len(moves):
        raise UsageError(
            "--scope would bring collections of one name together. Restore them one by one."
        )
    return moves


def require_name(option: str, name: str) -> None:
    """Raise UsageError unless Chroma 1.5.9 takes this as a collection's or database's name."""
    if not is_name(name) or name.startswith(STAGING):
        raise UsageError(
            f"{option}: '{name}' is no name for Chroma. {NAMES} It does not begin with {STAGING}."
        )


def is_name(name: str) -> bool:
    """Whether Chroma 1.5.9 creates a collection or a database of this name."""
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return ".." not in name and _NAME.fullmatch(name) is not None
    return False


def fingerprint_after(
    before: Fingerprint, moves: Sequence[Move], names: Mapping[str, str]
) -> Fingerprint:
    """Return the fingerprint of the collections of `moves` alone, under `names` (by key)."""
    prints = {}
    for move in moves:
        info = dataclasses.replace(move.target, name=names[move.key])
        prints[info.key] = dataclasses.replace(before.collections[move.key], info=info)
    scopes = tuple(sorted({move.scope for move in moves}))
    return dataclasses.replace(before, scopes=scopes, databases=scopes, collections=prints)
