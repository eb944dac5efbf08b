"""A comparison as data: what is compared and how closely, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from chromadrill.checks.reconcile import Tally, VectorCover
from chromadrill.core.model import CollectionInfo, Scope, Verdict

SAMPLE = 64  # vectors embedded again where nothing else is asked for: some two seconds


@dataclass(frozen=True, slots=True)
class ReconcileTask:
    """What is compared. `sample`: unknown vectors that are embedded again; None: all of them.

    `settle_s`: how long a difference has to stand still before it is named. `batch_size`: texts that
    the model gets together. `least_cosine`: of the vectors of one text, embedded twice.
    """

    scope: Scope
    name: str
    sample: int | None = SAMPLE
    settle_s: float = 5.0
    batch_size: int = 16
    least_cosine: float = 0.9999

    @property
    def key(self) -> str:
        return f"{self.scope}/{self.name}"


@dataclass(slots=True)
class ReconcileResult:
    """What came of it. `info`: the collection, None where there is none.

    `is_another_model`: the collection's own words, or its width, are of another model than is set.
    `unsettled`: records that changed at every look.
    """

    info: CollectionInfo | None
    rows: int = 0
    records: int = 0
    tally: Tally = field(default_factory=Tally)
    cover: VectorCover = field(default_factory=VectorCover)
    verdicts: list[Verdict] = field(default_factory=list)
    is_another_model: bool = False
    unsettled: int = 0
    unsettled_ids: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
