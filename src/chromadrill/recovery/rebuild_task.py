"""A rebuild as data: what is to be made and under which names, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, field

from chromadrill.backups.export.staging import require_name
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Scope, Verdict
from chromadrill.embedding.bill import Bill
from chromadrill.recovery.vectors_from.lender import Loan
from chromadrill.recovery.workers.step import WorkerShare

LONGEST_NAME = 480  # so that the two others fit


@dataclass(frozen=True, slots=True)
class RebuildTask:
    """What is to be made. `fresh`: every vector anew; else those of unchanged documents are kept.

    `bounded`: only rows that changed since an instant may be embedded, any other is refused.
    `drop_old`: what had the name is not kept. `batch_size`: documents embedded and written together.
    `least_cosine`: of the vectors of one document, embedded twice. `embed_again`: ids of records whose
    vectors are known to be wrong.
    """

    scope: Scope
    name: str
    space: str = "cosine"
    fresh: bool = False
    bounded: bool = False
    drop_old: bool = False
    batch_size: int = 8
    least_cosine: float = 0.9999
    embed_again: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise UsageError(f"--collection-name: more than {LONGEST_NAME} characters.")
        # the staging name is a good one whatever the name is: the server would refuse the swap alone
        require_name("--collection-name (or [source] collection)", self.name)

    @property
    def staging_names(self) -> tuple[str, str]:
        """A collection that is being made has one of these names, whichever command makes it."""
        return f"{self.name}.rebuilding", f"{self.name}.regenerating"

    @property
    def staging(self) -> str:
        return self.staging_names[self.fresh]

    @property
    def aside(self) -> str:
        """The name of the copy from before the rebuild."""
        return f"{self.name}.before-rebuild"

    @property
    def key(self) -> str:
        return f"{self.scope}/{self.name}"


@dataclass(slots=True)
class RebuildResult:
    """What was done: rows of the source; how many of them were embedded, copied, or there already.

    `changed`: whether clients see another collection than before. `old`: what that one is called.
    `discarded`: the new collection had wrong vectors, and was removed. `staged`: it was not proven,
    and waits under its own name. `loans`: what came of each lender, in their order. `workers`: what
    each did, where there were any.
    """

    rows: int = 0
    embedded: int = 0
    copied: int = 0
    resumed: int = 0
    changed: bool = False
    discarded: bool = False
    staged: bool = False
    old: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    workers: dict[str, WorkerShare] = field(default_factory=dict)
    single_ms: tuple[float, ...] = ()
    bill: Bill | None = None
    loans: list[Loan] = field(default_factory=list)
