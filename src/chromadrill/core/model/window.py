"""The two recordings around a backup, and how much of the backup lies between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from chromadrill.core.model.fingerprints import Fingerprint

LEAST_COVERAGE = 0.5  # of all records: proven exactly
MOST_UNSEEN = 0.05  # of all records: in neither recording


@dataclass(frozen=True, slots=True)
class BackupWindow:
    """The fingerprints taken before and after a backup, of a database that is written to meanwhile.

    `after` None: there is no second one, and what differs from the first cannot be told from damage.
    `least_coverage`: the share of records that must be proven exactly; `most_unseen`: the share that
    may be in neither fingerprint.
    """

    before: Fingerprint
    after: Fingerprint | None = None
    least_coverage: float = LEAST_COVERAGE
    most_unseen: float = MOST_UNSEEN

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Both, or the first alone."""
        return (self.before,) if self.after is None else (self.before, self.after)


@dataclass(frozen=True, slots=True)
class CollectionCoverage:
    """The records of one collection, of both recordings and the copy, each counted once.

    `proven`: the same in both recordings and in the copy. `moved`: written to between the recordings:
    the copy may hold any version of it. `unseen`: in the copy alone; it came and went.
    `unexplained`: what the copy holds of it no client can have made. `in_between`: of the moved ones,
    how many the copy holds in a version of neither recording. Nothing can check their content.
    """

    proven: int = 0
    moved: int = 0
    unseen: int = 0
    unexplained: int = 0
    in_between: int = 0

    @property
    def records(self) -> int:
        return self.proven + self.moved + self.unseen + self.unexplained

    @property
    def share(self) -> float | None:
        """The part that is proven, 0 to 1; None where there is no record."""
        return self.proven / self.records if self.records else None

    @classmethod
    def sum(cls, parts: Iterable[CollectionCoverage]) -> Self:
        """All records of several collections, or of several parts of one."""
        proven = moved = unseen = unexplained = in_between = 0
        for part in parts:
            proven += part.proven
            moved += part.moved
            unseen += part.unseen
            unexplained += part.unexplained
            in_between += part.in_between
        return cls(proven, moved, unseen, unexplained, in_between)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a backup is proven, for each collection by its key."""

    collections: Mapping[str, CollectionCoverage]

    @property
    def total(self) -> CollectionCoverage:
        """The records of all collections."""
        return CollectionCoverage.sum(self.collections.values())

    @property
    def share(self) -> float | None:
        """The part of all records that is proven, 0 to 1; None where there is no record."""
        return self.total.share
