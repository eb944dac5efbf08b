"""What a database holds: scopes, collections, pages of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """A tenant and one of its databases; written TENANT/DATABASE."""

    tenant: str = "default_tenant"
    database: str = "default_database"

    @classmethod
    def parse(cls, text: str) -> Self:
        # a tenant's name may hold a slash, a database's may not
        tenant, slash, database = text.rpartition("/")
        if not (tenant and slash and database):
            raise ValueError(f"a scope is written TENANT/DATABASE, got '{text}'")
        return cls(tenant, database)

    def __str__(self) -> str:
        return f"{self.tenant}/{self.database}"


HNSW_DEFAULTS = {
    "space": "l2",
    "ef_construction": 100,
    "ef_search": 100,
    "max_neighbors": 16,
    "resize_factor": 1.2,
    "sync_threshold": 1000,
}


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """One collection as the inventory shows it.

    `configuration` and `schema` are the JSON objects of the API (None where unknown); `space` is
    the metric that queries really use, which is not always the one that `configuration` claims.
    """

    id: str
    name: str
    tenant: str
    database: str
    dimension: int | None
    metadata: JSON | None
    configuration: JSON | None
    schema: JSON | None
    space: str

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant, self.database)

    @property
    def key(self) -> str:
        """TENANT/DATABASE/NAME: the name of a collection in every report."""
        return f"{self.tenant}/{self.database}/{self.name}"

    @property
    def listing_decides(self) -> bool:
        """Whether `configuration` says what the index really is.

        It does not where it shows the bare defaults and the metadata says otherwise: collections
        made before 1.0 list the defaults whatever they use (measured: a 0.6.3 directory under 1.5.9
        lists l2 and answers cosine). Nor where there is none to read (a server of 1.0), nor where
        queries were seen to use another metric.
        """
        index = (self.configuration or {}).get("hnsw")
        if (self.configuration or {}).get("spann"):
            return True
        if index is None:
            return False
        bare = all(index.get(key, value) == value for key, value in HNSW_DEFAULTS.items())
        if bare and any(key.startswith("hnsw:") for key in self.metadata or ()):
            return False
        return bool(index.get("space", HNSW_DEFAULTS["space"]) == self.space)


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of one collection, in columns of equal length n.

    `vectors` is float32 of shape (n, dimension). A row whose vector could not be read is zero and
    named in `without_vector`.
    """

    ids: list[str]
    documents: list[str | None]
    metadatas: list[JSON | None]
    uris: list[str | None]
    vectors: np.ndarray
    without_vector: tuple[int, ...] = ()

    def rows(self, keep: Sequence[int]) -> Page:
        """The records of these rows, in this order."""
        lost = set(self.without_vector)
        return Page(
            ids=[self.ids[row] for row in keep],
            documents=[self.documents[row] for row in keep],
            metadatas=[self.metadatas[row] for row in keep],
            uris=[self.uris[row] for row in keep],
            vectors=self.vectors[list(keep)],
            without_vector=tuple(at for at, row in enumerate(keep) if row in lost),
        )
