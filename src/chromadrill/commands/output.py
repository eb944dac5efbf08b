"""How a command ends: its verdicts for people or as one JSON object, and its exit code."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.model import JSON, Outcome, Verdict
from chromadrill.core.model.window import Coverage
from chromadrill.core.plural import plural
from chromadrill.core.redaction import mask_secrets
from chromadrill.evidence.report.formatting import one_line

EXIT = {
    Outcome.PASS: cli.DONE,
    Outcome.FAIL: cli.DIFFERS,
    Outcome.UNKNOWN: cli.UNKNOWN,
    Outcome.NOT_RUN: cli.UNKNOWN,
}
LEAST_WIDTH = 16  # of the column of checks
NEXT = " Next: "
LONGEST_MESSAGE = 1000  # characters of a verdict's message, for people


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """One line a verdict: check, outcome, message. What was not run comes last, a line a reason."""
    judged = [verdict for verdict in verdicts if verdict.outcome is not Outcome.NOT_RUN]
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.NOT_RUN:
            reasons.setdefault(verdict.message, []).append(verdict.check)
    width = max([LEAST_WIDTH, *(len(verdict.check) for verdict in judged)])
    for verdict in judged:
        _print_row(verdict.check, verdict.outcome.upper(), verdict.message, width)
    for message, checks in reasons.items():
        _print_row("not run", "", f"{', '.join(checks)}: {message}", width)


def _print_row(name: str, outcome: str, message: str, width: int) -> None:
    start = f"{name:<{width}} {outcome:<7}  "
    message = mask_secrets(message)
    shown = one_line(message, LONGEST_MESSAGE)
    if shown != " ".join(message.split()):
        shown += " (all of it: --json)"
    print_line(start + shown, indent=len(start))


def print_line(text: str, *, indent: int = 0) -> None:
    """A line on standard output. On a terminal it is broken between words, and indented.

    A next command begins a line of its own there, and is not broken: it will be copied.
    """
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        indent = indent if indent < width // 2 else 4
        sentence, next_, command = text.partition(NEXT)
        text = textwrap.fill(
            sentence, width, subsequent_indent=" " * indent, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
        text += f"\n{next_.strip()} {command}" if next_ else ""
    sys.stdout.write(text + "\n")


def verdicts_json(verdicts: Sequence[Verdict]) -> list[JSON]:
    """`verdicts[]` of every command."""
    return [dataclasses.asdict(verdict) for verdict in verdicts]


def collections_json(counts: Mapping[str, int], verdicts: Sequence[Verdict] = ()) -> list[JSON]:
    """`collections[]` of every command: name, tenant, database, count, outcome, differences."""
    differences = [difference for verdict in verdicts for difference in verdict.differences]
    named = {d.collection for d in differences if d.collection.count("/") >= 2}
    overall = Outcome.merge(verdict.outcome for verdict in verdicts) if verdicts else Outcome.PASS
    otherwise = Outcome.UNKNOWN if overall is Outcome.UNKNOWN else Outcome.PASS
    collections = []
    for key in sorted({*counts, *named}):
        tenant, database, name = key.rsplit("/", 2)
        differs = [dataclasses.asdict(d) for d in differences if d.collection == key]
        blamed = any(v.outcome is Outcome.FAIL and _names(v.message, key) for v in verdicts)
        collections.append(
            {
                "name": name,
                "tenant": tenant,
                "database": database,
                "count": counts.get(key),
                "outcome": str(Outcome.FAIL if differs or blamed else otherwise),
                "differences": differs,
            }
        )
    return collections


def _names(message: str, key: str) -> bool:
    """Whether a message speaks of this collection, and not of one whose name goes on (docs-2024)."""
    whole = rf"(?<![\w.-]){re.escape(key)}(?![.-]*\w)"
    return key in message and re.search(whole, message) is not None


def coverage_json(coverage: Coverage | None) -> JSON | None:
    """`coverage` of a copy that was taken between two fingerprints: its share, and each collection's."""
    if coverage is None:
        return None
    return {
        "share": coverage.share,
        **dataclasses.asdict(coverage.total),
        "collections": {key: dataclasses.asdict(c) for key, c in coverage.collections.items()},
    }


def report(
    verdicts: Sequence[Verdict] | None, collections: list[JSON], *, as_json: bool, **more: Any
) -> int:
    """Everything as one JSON object, or a line a verdict and the sum; returns the exit code.

    `verdicts` None: the command did something and judges nothing. Of `more`, `notes` are sentences
    that change no verdict, and other lists and objects are for JSON alone.
    """
    outcome = Outcome.PASS if verdicts is None else outcome_of(verdicts)
    if as_json:
        cli.answer(
            {
                "outcome": str(outcome),
                "collections": collections,
                "verdicts": verdicts_json(verdicts or ()),
                **more,
            }
        )
        return EXIT[outcome]
    print_verdicts(verdicts or ())
    for note in more.get("notes", ()):
        _print_row("note", "", note, LEAST_WIDTH)
    extra = "".join(
        f", {key}: {value}" for key, value in more.items() if not isinstance(value, dict | list)
    )
    print_line(f"{_sum(outcome, collections)}{extra}")
    return EXIT[outcome]


def report_comparison(
    verdicts: Sequence[Verdict],
    collections: list[JSON],
    *,
    as_json: bool,
    first: str,
    last: str,
    **more: Any,
) -> int:
    """As `report`. For people, `first` says what is judged, and the last line ends with `last`."""
    if as_json:
        return report(verdicts, collections, as_json=True, **more)
    outcome = outcome_of(verdicts)
    print_line(first)
    print_verdicts(verdicts)
    print_line(f"{_sum(outcome, collections)}: {last}")
    return EXIT[outcome]


def _sum(outcome: Outcome, collections: list[JSON]) -> str:
    total = sum(collection["count"] or 0 for collection in collections)
    size = f"{plural(len(collections), 'collection')}, {plural(total, 'record')}"
    return f"{outcome.upper()}: {size}"
