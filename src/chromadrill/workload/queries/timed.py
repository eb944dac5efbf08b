"""Questions asked against the clock; whether the answers are right is judged after it has stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chromadrill.chroma.client import CallFailed
from chromadrill.core.clock import now
from chromadrill.core.model import JSON, Samples


@dataclass(frozen=True, slots=True)
class Question:
    """`call` is what is timed; `wrong` says of its answer what is wrong, "" when it is right."""

    call: Callable[[], JSON]
    wrong: Callable[[JSON], str]


class Asked:
    """Answers as they come. `ask` is what is timed; whether they are right is judged afterwards."""

    def __init__(self) -> None:
        self._answers: list[tuple[Question, JSON | None, str]] = []
        self._timed_out = 0

    def ask(self, question: Question) -> None:
        """A failed call is an answer that is wrong; it does not end the measurement."""
        try:
            self._answers.append((question, question.call(), ""))
        except CallFailed as error:
            self._timed_out += error.timed_out
            self._answers.append((question, None, str(error)))

    @property
    def hangs(self) -> bool:
        """Two calls had no answer in time: the others would cost a deadline each."""
        return self._timed_out >= 2

    def samples(self, milliseconds: Sequence[float]) -> Samples:
        """The last answers with the times they took: the right ones are samples, the others errors.

        Those before (warming up) have no time, and are judged all the same.
        """
        took: list[float | None] = [None] * (len(self._answers) - len(milliseconds))
        took += milliseconds
        good, errors = [], []
        for (question, raw, error), ms in zip(self._answers, took, strict=True):
            wrong = error or _judged(question, raw)
            if wrong:
                errors.append(wrong)
            elif ms is not None:
                good.append(ms)
        return Samples(tuple(good), tuple(errors))


def _judged(question: Question, raw: JSON | None) -> str:
    if raw is None:
        return ""
    try:
        said = question.wrong(raw)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        said = f"not the form of an answer ({type(error).__name__}: {error})"
    return said and f"wrong answer: {said}"


def timed(asked: Asked, question: Question) -> float:
    """Ask; the milliseconds it took."""
    started = now()
    asked.ask(question)
    return 1000 * (now() - started)
