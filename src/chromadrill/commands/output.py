"""How a command ends: its verdicts for people or as one JSON object, and its exit code."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.model import JSON, Outcome, Verdict

EXIT = {
    Outcome.PASS: cli.DONE,
    Outcome.FAIL: cli.DIFFERS,
    Outcome.UNKNOWN: cli.UNKNOWN,
    Outcome.NOT_RUN: cli.UNKNOWN,
}


def print_verdicts(verdicts: Sequence[Verdict], *, width: int = 16) -> None:
    """One line a verdict: check, outcome, message."""
    for verdict in verdicts:
        sys.stdout.write(
            f"{verdict.check:<{width}} {verdict.outcome.upper():<8} {verdict.message}\n"
        )


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
        blamed = any(v.outcome is Outcome.FAIL and key in v.message for v in verdicts)
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


def report(
    verdicts: Sequence[Verdict] | None, collections: list[JSON], *, as_json: bool, **more: Any
) -> int:
    """Everything as one JSON object, or a line a verdict and the sum; returns the exit code.

    `verdicts` None: the command did something and judges nothing.
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
    total = sum(collection["count"] or 0 for collection in collections)
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    sys.stdout.write(f"{outcome.upper()}: {len(collections)} collections, {total} records{extra}\n")
    return EXIT[outcome]
