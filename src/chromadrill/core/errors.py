"""The one error that users see: what, where, wanted and got, and the next command."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DrillError(Exception):
    """Something that stops us, said in sentences a person on call can act on.

    `next_step` is a command or an action; it is printed after the sentence.
    """

    def __init__(self, sentence: str, *, next_step: str = "") -> None:
        self.sentence = sentence
        self.next_step = next_step
        super().__init__(f"{sentence} {next_step}".strip())


class Refused(DrillError):
    """A safety rule holds: what was asked for would harm something, so nothing was touched."""


class Forbidden(Refused):
    """A safety rule forbids it. It was not tried, so it says nothing of what it would have done."""


class CapabilityMissing(DrillError):
    """The target cannot do this: it was not tried either."""


class UsageError(DrillError):
    """The words of the caller are wrong (unknown target, wrong key): exit code 64."""


class Unavailable(DrillError):
    """What is needed for an answer is not to be had: the answer is UNKNOWN, exit code 2."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'? Known: x, y." for a misspelt word."""
    known_names = sorted(known)
    close = difflib.get_close_matches(name, known_names, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(known_names) or 'none'}."


def first_line(error: Exception) -> str:
    """The kind of a library's error, and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0].rstrip('.')}"
