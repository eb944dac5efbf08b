"""How much is to be embedded: counted while rows are compared, with a few of them at hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from chromadrill.recovery.sources.rows import Row


@dataclass(slots=True)
class Estimate:
    """`rows`: at most `most` of the documents, each as likely as any other, so their lengths are
    those of all.
    """

    most: int
    documents: int = 0
    characters: int = 0
    rows: list[Row] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(1), repr=False)

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.documents += 1
            self.characters += len(row.content)
            if len(self.rows) < self.most:
                self.rows.append(row)
            elif (place := self._random.randrange(self.documents)) < self.most:
                self.rows[place] = row

    @property
    def first(self) -> list[Row]:
        """What is embedded first and timed; none where that would be all of it."""
        return self.rows if self.documents > len(self.rows) else []
