"""Lines of a log, sorted into known patterns. Bounded: so many lines, so many characters of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chromadrill.monitoring.logs.patterns import PATTERNS, Pattern

LINE = 400  # characters kept and looked at; a line of Chroma repeats its request after that
MOST = 50_000  # lines
WELL = re.compile(r"^\S+\s+(INFO|DEBUG|TRACE)\s")


@dataclass(frozen=True, slots=True)
class Found:
    """How often a pattern was met, and the first and last line of it."""

    pattern: Pattern
    count: int
    first: str
    last: str


def pattern_of(line: str) -> Pattern | None:
    """The pattern that names this line; None for a line of no trouble."""
    # places in the code, requests and what went well name users' own words: nothing to look for
    if line.lstrip().startswith(("at ", "in ")) or WELL.search(line):
        return None
    return next((each for each in PATTERNS if each.words.search(line)), None)


def read_errors(lines: Iterable[str]) -> list[Found]:
    """Each pattern met, in the order of the table; at most the last 50,000 lines are read."""
    met: dict[str, Found] = {}
    for raw in list(lines)[-MOST:]:
        line = raw[:LINE].strip()
        pattern = pattern_of(line)
        if pattern is None:
            continue
        before = met.get(pattern.name)
        met[pattern.name] = Found(
            pattern, 1 + (before.count if before else 0), before.first if before else line, line
        )
    return [met[each.name] for each in PATTERNS if each.name in met]


def new_lines(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Those of `after` that came since `before`; both are ends of one growing log.

    The first line of an end may itself be cut. Where the two do not overlap, all is new.
    """
    for size in range(min(len(before), len(after)), 0, -1):
        whole = list(before[-size + 1 :]) == list(after[1:size]) if size > 1 else True
        if whole and before[-size].endswith(after[0]):
            return list(after[size:])
    return list(after)
