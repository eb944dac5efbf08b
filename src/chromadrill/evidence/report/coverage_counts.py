"""Records of a backup by what could be said of them, for each collection and for all; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.evidence.own_backups import COUNTS
from chromadrill.evidence.report.formatting import number, part


@dataclass(frozen=True, slots=True)
class Counts:
    """Records of one collection, or of all. `key`: TENANT/DATABASE/COLLECTION, "" for all."""

    key: str
    proven: int = 0
    moved: int = 0
    unseen: int = 0
    unexplained: int = 0

    @property
    def total(self) -> int:
        return self.proven + self.moved + self.unseen + self.unexplained

    @property
    def share(self) -> float | None:
        return self.proven / self.total if self.total else None

    @property
    def name(self) -> str:
        """The collection's name; with tenant and database where they are not the default ones."""
        return self.key.removeprefix("default_tenant/default_database/")


def counts_of(scenario: JSON) -> list[Counts]:
    """The records of each collection: those with damage first, then the largest."""
    collections = part(part(scenario, "coverage"), "collections")
    counted = [
        Counts(str(key), **{name: int(number(part(collections, key).get(name)) or 0) for name in COUNTS})
        for key in collections
    ]  # fmt: skip
    return sorted(counted, key=lambda c: (-c.unexplained, -c.total, c.key))


def sum_of(counted: Sequence[Counts], key: str = "") -> Counts:
    """All of them as one."""
    return Counts(key, **{name: sum(getattr(c, name) for c in counted) for name in COUNTS})


def total_of(scenarios: Sequence[JSON]) -> Counts:
    """All records of these scenarios."""
    return sum_of([c for scenario in scenarios for c in counts_of(scenario)])
