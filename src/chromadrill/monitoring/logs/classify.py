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
class LogFinding:
    """How often lines match a pattern, and the first and last of them."""

    pattern: Pattern
    count: int
    first: str
    last: str


def pattern_of(line: str) -> Pattern | None:
    """The pattern that names this line; None for a line of no trouble."""
    # places in the code, requests and what went well name users' own words: nothing to look for
    if line.lstrip().startswith(("at ", "in ")) or WELL.search(line):
        return None
    return next((pattern for pattern in PATTERNS if pattern.regex.search(line)), None)


def classify(lines: Iterable[str]) -> list[LogFinding]:
    """The patterns that match, in the order of the table; at most the last 50,000 lines are read."""
    findings: dict[str, LogFinding] = {}
    for raw in list(lines)[-MOST:]:
        line = raw[:LINE].strip()
        pattern = pattern_of(line)
        if pattern is None:
            continue
        before = findings.get(pattern.name)
        count, first = (before.count + 1, before.first) if before else (1, line)
        findings[pattern.name] = LogFinding(pattern, count, first, line)
    return [findings[pattern.name] for pattern in PATTERNS if pattern.name in findings]


def new_lines(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The lines of `after` that came since `before`; both are ends of one growing log.

    The first line of an end may itself be cut. Where the two do not overlap, all is new.
    """
    for size in range(min(len(before), len(after)), 0, -1):
        whole = list(before[-size + 1 :]) == list(after[1:size]) if size > 1 else True
        if whole and before[-size].endswith(after[0]):
            return list(after[size:])
    return list(after)
