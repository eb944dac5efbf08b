"""What is left of a store, in numbers: by collection, and for each vector where its bytes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from chromadrill.core.model import JSON
from chromadrill.core.plural import plural


class Place(StrEnum):
    """Where the bytes of a vector are, and whether they can be told to be that record's."""

    INDEX = "index"
    QUEUE = "queue"
    BOTH_EQUAL = "index and queue, equal"
    BOTH_DIFFERENT = "index and queue, different"
    LENDER = "another store"
    EMBEDDED = "embedded again"
    DOUBTFUL = "doubtful"
    NOWHERE = "nowhere"

    @property
    def is_sound(self) -> bool:
        """Whether such a vector is taken. Of two that differ the queue's is the newer one."""
        return self not in (Place.DOUBTFUL, Place.NOWHERE)


@dataclass(slots=True)
class CollectionFindings:
    """One collection. `places`: records by where their vector is; `damage`: clauses.

    `values_lost`: metadata values that nothing holds any more; `documents_doubtful`: of which the two
    copies of the database differ. `proven`: vectors whose digest is that of the fingerprint.
    `doubtful_taken`: doubtful vectors that
    were asked for. `changed`: records that the fingerprint has with another text or metadata: written
    since, or damaged.
    """

    key: str
    records: int = 0
    documents: int = 0
    metadatas: int = 0
    places: Counter[Place] = field(default_factory=Counter)
    damage: list[str] = field(default_factory=list)
    values_lost: int = 0
    documents_doubtful: int = 0
    records_lost: int = 0
    proven: int = 0
    changed: int = 0
    doubtful_taken: int = 0

    @property
    def taken(self) -> int:
        """Records that are brought back with a vector."""
        return self.doubtful_taken + sum(
            count for place, count in self.places.items() if place.is_sound
        )

    @property
    def is_whole(self) -> bool:
        return (
            not self.damage
            and not self.doubtful_taken
            and self.taken == self.records
            and not (self.values_lost or self.documents_doubtful or self.records_lost)
        )

    @property
    def sentence(self) -> str:
        """For people: how many come back, and where the rest is."""
        text = f"{self.taken:,} of {plural(self.records, 'record')} with their vector"
        rest = [f"{count:,} {place}" for place, count in self.places.items() if not place.is_sound]
        rest += [f"{n:,} from {p}" for p in (Place.LENDER,) if (n := self.places[p])]
        rest += [f"{n:,} {p}" for p in (Place.EMBEDDED,) if (n := self.places[p])]
        if rest:
            text += f" ({', '.join(rest)})"
        if self.doubtful_taken:
            text += f"; {self.doubtful_taken:,} of the doubtful were taken"
        if self.records_lost:
            text += f"; {self.records_lost:,} of the fingerprint are gone"
        if self.values_lost:
            text += f"; {self.values_lost:,} metadata values are gone"
        if self.documents_doubtful:
            text += f"; of {self.documents_doubtful:,} documents there are two that differ"
        return text

    def as_json(self) -> JSON:
        return {
            "collection": self.key,
            "records": self.records,
            "documents": self.documents,
            "metadatas": self.metadatas,
            "vectors": {str(place): count for place, count in self.places.items()},
            "brought_back": self.taken,
            "doubtful_taken": self.doubtful_taken,
            "values_lost": self.values_lost,
            "documents_doubtful": self.documents_doubtful,
            "records_lost": self.records_lost,
            "proven": self.proven,
            "changed": self.changed,
            "damage": self.damage,
        }


@dataclass(slots=True)
class Findings:
    """What is left of a store. `damage`: of the database itself. `is_paged`: read page by page."""

    collections: list[CollectionFindings] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    is_paged: bool = False
    missing: list[str] = field(default_factory=list)  # keys of the fingerprint

    @property
    def records(self) -> int:
        return sum(one.records for one in self.collections)

    @property
    def taken(self) -> int:
        return sum(one.taken for one in self.collections)

    @property
    def is_whole(self) -> bool:
        return not self.damage and not self.missing and all(c.is_whole for c in self.collections)

    def is_from_queue(self, keys: Collection[str]) -> bool:
        """Whether the queue has every vector of these collections, and the others are whole."""
        queue = (Place.QUEUE, Place.BOTH_EQUAL, Place.BOTH_DIFFERENT)
        return all(
            sum(one.places[place] for place in queue) == one.records
            if one.key in keys
            else one.taken == one.records
            for one in self.collections
        )

    @property
    def has_anything(self) -> bool:
        return any(one.taken for one in self.collections)
