"""Records of a backup by what could be said of them, for each collection and for all; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.evidence.own_backups import COUNTS, IN_BETWEEN
from chromadrill.evidence.report.formatting import number, part


@dataclass(frozen=True, slots=True)
class Counts:
    """Records of one collection, or of all. `key`: TENANT/DATABASE/COLLECTION, "" for all.

    `in_between`: of those that moved, how many are in the backup in a version of neither recording;
    None where nobody counted them.
    """

    key: str
    proven: int = 0
    moved: int = 0
    unseen: int = 0
    unexplained: int = 0
    in_between: int | None = None

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
    counted = [_counts(str(key), part(collections, key)) for key in collections]
    return sorted(counted, key=lambda c: (-c.unexplained, -c.total, c.key))


def sum_of(counted: Sequence[Counts], key: str = "") -> Counts:
    """All of them as one."""
    strange = [0 if c.in_between is None and not c.moved else c.in_between for c in counted]
    known = [n for n in strange if n is not None]
    return Counts(
        key,
        **{name: sum(getattr(c, name) for c in counted) for name in COUNTS},
        in_between=sum(known) if len(known) == len(strange) else None,
    )


def _counts(key: str, raw: JSON) -> Counts:
    strange = number(raw.get(IN_BETWEEN))
    return Counts(
        key,
        **{name: int(number(raw.get(name)) or 0) for name in COUNTS},
        in_between=None if strange is None else int(strange),
    )


def total_of(scenarios: Sequence[JSON]) -> Counts:
    """All records of these scenarios."""
    return sum_of([c for scenario in scenarios for c in counts_of(scenario)])
