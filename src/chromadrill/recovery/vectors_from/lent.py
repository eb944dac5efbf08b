"""What the lenders of a rebuild have, asked for row by row: none, where there is no lender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.core.progress import Advance
from chromadrill.core.protocols import Model
from chromadrill.recovery.sources.rows import Row
from chromadrill.recovery.vectors_from.borrow import borrow
from chromadrill.recovery.vectors_from.lender import Lender, Loan
from chromadrill.recovery.vectors_from.pool import VectorPool

NO_VECTORS = np.empty((0, 0), np.float32)


@dataclass(slots=True)
class LentVectors:
    """The pool of a rebuild, None without lenders. `loans`: one for each lender, in their order."""

    pool: VectorPool | None = None
    loans: list[Loan] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # the first place of each loan

    def want(self, rows: Sequence[Row]) -> None:
        """Take in rows of the source, before the first lender."""
        if self.pool:
            self.pool.want([row.content for row in rows])

    def borrow(
        self,
        lender: Lender,
        model: Model,
        *,
        batch_size: int,
        least_cosine: float,
        advance: Advance,
    ) -> None:
        """Prove a lender, and have its vectors at hand. Raises Refused."""
        if self.pool:
            self.starts.append(self.pool.end)
            self.loans.append(
                borrow(
                    self.pool,
                    lender,
                    model,
                    batch_size=batch_size,
                    least_cosine=least_cosine,
                    advance=advance,
                )
            )

    def split(self, rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """Rows of which a lender has a vector, and the others."""
        if not self.pool or not rows:
            return [], rows
        has = self.pool.has([row.content for row in rows]).tolist()
        pairs = list(zip(rows, has, strict=True))
        return [row for row, known in pairs if known], [row for row, known in pairs if not known]

    def take(self, rows: list[Row]) -> tuple[list[Row], np.ndarray, list[Row]]:
        """The rows of which a lender has a vector, float32 (n, dimension), and the other rows."""
        if not self.pool or not rows:
            return [], NO_VECTORS, rows
        numbers, vectors, places = self.pool.find([row.content for row in rows])
        owners = np.searchsorted(self.starts, places, side="right") - 1
        for loan, count in zip(
            self.loans, np.bincount(owners, minlength=len(self.loans)).tolist(), strict=True
        ):
            loan.taken += count
        known = set(numbers.tolist())
        others = [row for number, row in enumerate(rows) if number not in known]
        return [rows[number] for number in numbers], vectors, others
