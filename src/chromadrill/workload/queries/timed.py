"""Timed calls, whose answers are graded after the clock has stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chromadrill.chroma.client import CallFailed
from chromadrill.core.clock import now
from chromadrill.core.model import JSON, Samples
from chromadrill.workload.queries.known_answer import MALFORMED


@dataclass(frozen=True, slots=True)
class GradedCall:
    """`call` is what is timed; `grade` says of its answer what is wrong, "" when it is right."""

    call: Callable[[], JSON]
    grade: Callable[[JSON], str]


class TimedAnswers:
    """Answers as they come, and how long the timed ones took. They are graded by `samples`."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self._answers: list[tuple[GradedCall, JSON | None, str]] = []
        self._timed_out = 0

    def ask(self, question: GradedCall) -> None:
        """Call it, untimed. A failed call is a wrong answer; it does not end the measurement.

        Raises CallFailed for one that was not let through: it says nothing of how the server searches.
        """
        try:
            self._answers.append((question, question.call(), ""))
        except CallFailed as error:
            if error.is_access:
                raise
            self._timed_out += error.is_timeout
            self._answers.append((question, None, str(error)))

    def time(self, question: GradedCall) -> None:
        """`ask`, and keep the milliseconds it took."""
        started = now()
        self.ask(question)
        self.milliseconds.append(1000 * (now() - started))

    @property
    def hangs(self) -> bool:
        """Two calls had no answer in time: the others would cost a deadline each."""
        return self._timed_out >= 2

    def samples(self, milliseconds: Sequence[float] | None = None) -> Samples:
        """The last answers with the times they took: the right ones are samples, the others errors.

        Answers before those (warming up) have no time, and are graded all the same. `milliseconds`:
        the times, where another clock than `time` took them.
        """
        timed = self.milliseconds if milliseconds is None else milliseconds
        took: list[float | None] = [None] * (len(self._answers) - len(timed))
        took += timed
        right, errors = [], []
        for (question, raw, error), ms in zip(self._answers, took, strict=True):
            wrong = error or _grade(question, raw)
            if wrong:
                errors.append(wrong)
            elif ms is not None:
                right.append(ms)
        return Samples(tuple(right), tuple(errors))


def _grade(question: GradedCall, raw: JSON | None) -> str:
    if raw is None:
        return ""
    try:
        wrong = question.grade(raw)
    except MALFORMED as error:
        wrong = f"not the form of an answer ({type(error).__name__}: {error})"
    return wrong and f"wrong answer: {wrong}"
