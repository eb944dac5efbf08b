"""How the user's own questions were answered: counts, never the questions themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class QuestionState(StrEnum):
    """What became of one line of a file of questions.

    FOUND: a right record came among the nearest. OUTRANKED: others are nearer, as far as their vectors
    say. UNREACHED: it is nearer, and found where it alone is searched; the approximate search among all
    does not get to it. LOST: it is nearer, and no search finds it, or it has no vector. MOVED: no right
    record is there any more as it was recorded, or none passes the filter. FAILED: the server answered
    with an error. UNASKED: nobody could ask it.
    """

    FOUND = "found"
    OUTRANKED = "outranked"
    UNREACHED = "unreached"
    LOST = "lost"
    MOVED = "moved"
    FAILED = "failed"
    UNASKED = "unasked"


class WhyUnasked(StrEnum):
    """Why nobody could ask a question."""

    BROKEN = "broken line"
    COLLECTION = "no such collection"
    DIMENSION = "another dimension"
    EMBEDDER = "no embedder"


@dataclass(frozen=True, slots=True)
class QuestionExample:
    """The first of some questions with one fate: the number of its line, and a sentence."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class QuestionCounts:
    """The questions of one file that were asked of one server, counted.

    `lines`: questions in the file; `chosen`: those of them that this is about. `unjudged` of these had
    not found their record when the file was recorded; all other figures leave them out. `states` says
    what became of the others; `decided` were found, outranked or lost. `hits`: found among the `nearest`
    first answers; `first_hits`: as the first. `recorded_first`: how many of the decided ones had come
    first when the file was recorded; None where the file does not say.
    """

    file: str
    lines: int
    chosen: int
    nearest: int
    unjudged: int
    decided: int
    first_hits: int
    hits: int
    states: dict[QuestionState, int]
    examples: dict[QuestionState, QuestionExample]
    unasked: dict[WhyUnasked, int]
    why_unasked: dict[WhyUnasked, QuestionExample]
    recorded_first: int | None = None

    def count(self, state: QuestionState) -> int:
        """How many questions ended so."""
        return self.states.get(state, 0)

    @property
    def first_hit_percent(self) -> float | None:
        """hit@1 of the decided questions, in percent; None of none."""
        return 100 * self.first_hits / self.decided if self.decided else None

    @property
    def hit_percent(self) -> float | None:
        """hit@k of the decided questions, in percent; None of none."""
        return 100 * self.hits / self.decided if self.decided else None
