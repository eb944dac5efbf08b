"""Disasters of the data, done over the API: the server is well, what it served is gone."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.chroma.client import connect
from chromadrill.model import Scope
from chromadrill.protocols import Target


@dataclass(frozen=True, slots=True)
class CollectionDropped:
    """One DELETE of a client, as a wrong script sends it."""

    scope: Scope
    collection: str
    name: str = "collection-dropped"

    @property
    def what(self) -> str:
        return f"collection {self.collection} dropped over the API"

    def strike(self, target: Target) -> None:
        with connect(target.url) as chroma:
            chroma.delete_collection(self.scope, self.collection)
