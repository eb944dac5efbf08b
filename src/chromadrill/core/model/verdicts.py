"""How a check ends: outcome, differences, verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Outcome(StrEnum):
    """PASS, FAIL, UNKNOWN; `not_run` marks a check nobody asked for and never merges."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_RUN = "not_run"

    @classmethod
    def merge(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """FAIL > UNKNOWN > PASS. Nothing judged is UNKNOWN: a drill that did nothing is not green."""
        judged = {outcome for outcome in outcomes if outcome is not cls.NOT_RUN}
        for outcome in (cls.FAIL, cls.UNKNOWN, cls.PASS):
            if outcome in judged:
                return outcome
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Difference:
    """One named difference between what was and what is.

    `kind` is missing, extra or changed; `field` says of what (record, document, metadata, uri,
    vector, count, configuration, ...); `ids` are the records concerned, or the first of them where
    there are `more`; `examples` holds up to ten (id, before, after), where both sides are at hand.
    """

    collection: str
    field: str
    kind: str
    ids: tuple[str, ...] = ()
    examples: tuple[tuple[str, str, str], ...] = ()
    before: str | None = None
    after: str | None = None
    more: int = 0

    @property
    def count(self) -> int:
        """How many records are concerned."""
        return len(self.ids) + self.more

    def __str__(self) -> str:
        if self.ids:
            ids = ", ".join(self.ids[:10]) + (", ..." if self.count > 10 else "")
            text = f"{self.collection}: {self.kind} {self.field} of {self.count} ids: {ids}"
        else:
            text = f"{self.collection}: {self.field} {self.kind}"
        if self.before is not None or self.after is not None:
            text += f" (was {self.before}, is {self.after})"
        elif self.examples:
            record, before, after = self.examples[0]
            text += f" (e.g. {record}: was {before}, is {after})"
        return text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says: outcome, actual against limit with its unit, and a sentence."""

    check: str
    outcome: Outcome
    message: str
    actual: float | None = None
    limit: float | None = None
    unit: str | None = None
    differences: tuple[Difference, ...] = ()

    @classmethod
    def passed(cls, check: str, message: str, **numbers: Any) -> Self:
        return cls(check, Outcome.PASS, message, **numbers)

    @classmethod
    def failed(cls, check: str, message: str, **numbers: Any) -> Self:
        return cls(check, Outcome.FAIL, message, **numbers)

    @classmethod
    def unknown(cls, check: str, message: str, **numbers: Any) -> Self:
        return cls(check, Outcome.UNKNOWN, message, **numbers)

    @classmethod
    def not_run(cls, check: str, message: str) -> Self:
        return cls(check, Outcome.NOT_RUN, message)
