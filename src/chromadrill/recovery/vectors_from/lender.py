"""One collection that lends vectors, wherever it lies; and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chromadrill.core.model import JSON, CollectionInfo, Page
from chromadrill.core.plural import plural

# why a vector of a wanted document is left out: as JSON says it, and people
UNUSABLE, NOT_UNIT, CONTRADICTORY = "zero_or_not_finite", "not_of_length_1", "contradictory"
REASONS = {
    UNUSABLE: "zero or not finite",
    NOT_UNIT: "not of length 1",
    CONTRADICTORY: "with two vectors that contradict each other",
}


@dataclass(frozen=True, slots=True)
class Lender:
    """`name`: as it was typed, with the collection. `read`: its records, page by page, only read.

    `notes`: what a reader of the report has to know, filled while it is read. `is_named`: this very
    collection was asked for, not all that a file has.
    """

    name: str
    info: CollectionInfo
    records: int
    read: Callable[[], Iterator[Page]]
    notes: list[str] = field(default_factory=list)
    is_named: bool = True


@dataclass(slots=True)
class Loan:
    """What a lender gave. Numbers of documents of the source, `records` of its own records.

    `offered`: it has a vector of them that is believed. `taken`: rows that got one. `left_out`: by
    reason. `sampled`: documents embedded again, `least_cosine` of them.
    """

    lender: str
    records: int = 0
    offered: int = 0
    taken: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    sampled: int = 0
    least_cosine: float | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> JSON:
        """`vectors_from[]` of the command's answer."""
        return {
            "lender": self.lender,
            "records": self.records,
            "offered": self.offered,
            "taken": self.taken,
            "left_out": dict(self.left_out),
            "canary": {"documents": self.sampled, "least_cosine": self.least_cosine},
            "notes": list(self.notes),
        }

    @property
    def sentence(self) -> str:
        """For people."""
        text = f"{self.lender}: {plural(self.taken, 'vector')} taken over"
        if self.sampled:
            text += f"; {self.sampled} embedded again, the same"
            text += f" (lowest cosine {self.least_cosine:.7f})"
        left_out = [
            f"{count:,} {REASONS[reason]}" for reason, count in self.left_out.items() if count
        ]
        if left_out:
            text += f"; left out: {', '.join(left_out)}"
        return "; ".join([text, *self.notes])
