"""Disasters over the API: the server is healthy, its data is gone or wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.connection import connect
from chromadrill.core.model import Scope
from chromadrill.core.protocols import Target

BATCH = 1000


@dataclass(frozen=True, slots=True)
class CollectionDropped:
    """A collection deleted by a wrong script."""

    scope: Scope
    collection: str
    name: str = "collection-dropped"

    def __str__(self) -> str:
        return self.name

    @property
    def what(self) -> str:
        return f"collection {self.collection} dropped over the API"

    def inject(self, target: Target) -> None:
        with connect(target.url) as chroma:
            chroma.delete_collection(self.scope, self.collection)


@dataclass(frozen=True, slots=True)
class RecordsDeleted:
    """Records deleted by a clean-up with a wrong condition."""

    scope: Scope
    collection: str
    name: str = "records-deleted"

    def __str__(self) -> str:
        return self.name

    @property
    def what(self) -> str:
        return f"every second record of {self.collection} deleted over the API"

    def inject(self, target: Target) -> None:
        with connect(target.url) as chroma:
            info = chroma.collection(self.scope, self.collection)
            ids = [record_id for page in chroma.pages(info) for record_id in page.ids]
            for start in range(0, len(ids), BATCH):
                chroma.delete(info, ids[start : start + BATCH : 2])


@dataclass(frozen=True, slots=True)
class VectorsReplaced:
    """An upsert with the vectors of another model: count, ids and documents stay right."""

    scope: Scope
    collection: str
    name: str = "vectors-replaced"

    def __str__(self) -> str:
        return self.name

    @property
    def what(self) -> str:
        return f"all vectors of {self.collection} replaced over the API"

    def inject(self, target: Target) -> None:
        with connect(target.url) as chroma:
            info = chroma.collection(self.scope, self.collection)
            for page in chroma.pages(info):
                chroma.upsert(
                    info,
                    ids=page.ids,
                    vectors=np.roll(page.vectors, 1, axis=1),  # as long, and pointing elsewhere
                    documents=page.documents,
                    metadatas=page.metadatas,
                    uris=page.uris,
                )
