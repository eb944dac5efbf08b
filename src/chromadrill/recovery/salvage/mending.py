"""A new directory by the quick ways: the copy is proven before it gets its name."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups.files import flush_folder
from chromadrill.checks.suite import judge_files, outcome_of
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.files import size_of
from chromadrill.core.model import Fingerprint, Outcome, ReadError, Verdict
from chromadrill.core.plural import plural
from chromadrill.recovery.salvage.guards import (
    refuse_in_use,
    require_plain_database,
    require_rooms,
    require_unchanged,
    stamps_of,
)
from chromadrill.recovery.salvage.quick_ways import Plan, lost_by_replay, mend, plan_of
from chromadrill.recovery.salvage.unfinished import require_new, unfinished_folder


@dataclass(frozen=True, slots=True)
class Mended:
    """`plan`: what was done to the copy. `verdicts`: of the copy. `counts`: records by collection."""

    plan: Plan
    verdicts: list[Verdict]
    counts: dict[str, int]

    @property
    def is_proven(self) -> bool:
        return outcome_of(self.verdicts) is Outcome.PASS


def mend_into(path: Path, into: Path, before: Fingerprint | None = None) -> Mended:
    """Copy the directory, mend the copy, and prove it; `into` is made only where it is proven.

    Raises Refused where the quick ways are not enough for what is damaged, or there is no room.
    """
    require_new(into)
    require_plain_database(path)
    refuse_in_use(path)
    require_rooms([(into.parent, size_of(path))])
    stamps = stamps_of(path)
    plan = plan_of(at_rest.observe(path).read_errors)
    if not plan.ways:
        raise Refused(
            f"{path}: no quick way mends what is damaged, or nothing is. Nothing was written.",
            next_step=f"Record by record: chromadrill salvage {path} --into {into}",
        )
    try:
        with unfinished_folder(into) as unfinished:
            shutil.copytree(path, unfinished, dirs_exist_ok=True)
            require_unchanged(path, stamps)
            mend(unfinished, plan)
            mended = _prove(path, unfinished, plan, before)
            if mended.is_proven:
                unfinished.replace(into)
                flush_folder(into.parent)
            return mended
    except OSError as error:
        raise Unavailable(f"{path} cannot be copied to {into}: {error}") from error


def _prove(path: Path, copy: Path, plan: Plan, before: Fingerprint | None) -> Mended:
    observation = at_rest.observe(copy, like=before)
    verdicts = [v for v in judge_files(observation, before) if v.outcome is not Outcome.NOT_RUN]
    lost: list[ReadError] = []
    if not observation.read_errors:
        lost = list(lost_by_replay(path, copy, sorted(plan.keys)))
    verdicts += [Verdict.failed("records", f"{error.where}: {error.message}") for error in lost]
    if outcome_of(verdicts) is Outcome.PASS:
        records = plural(sum(observation.counts.values()), "record")
        verdicts.insert(0, Verdict.passed("salvage", f"{plan.sentence}; {records}, each whole"))
    return Mended(plan, verdicts, dict(observation.counts))


def shortest_way(path: Path) -> tuple[Plan, list[str]]:
    """The quick ways that would do by what a reading finds, and what it finds, as sentences.

    Whether they do is known once a copy is mended.
    """
    try:
        errors = at_rest.observe(path).read_errors
    except DrillError as error:
        return Plan((), frozenset()), [str(error)]
    return plan_of(errors), [f"{error.where}: {error.message.rstrip('.')}" for error in errors]
