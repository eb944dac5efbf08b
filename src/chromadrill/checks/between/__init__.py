"""Is a copy what the database was, between the fingerprint before it and the one after it?

A database that is written to has no one state to compare with. What is the same in both fingerprints
must be exactly that in the copy. What changed meanwhile can be explained, or it is damage.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from chromadrill.checks.between import record_window
from chromadrill.checks.between.collection_window import (
    CollectionWindow,
    match,
)
from chromadrill.checks.between.record_window import RecordWindow
from chromadrill.checks.between.verdicts import (
    covered,
    explained_counts,
    explained_inventory,
    explained_records,
    explained_settings,
)
from chromadrill.core.model import Difference, Observation, Verdict
from chromadrill.core.model.window import BackupWindow, CollectionCoverage, Coverage

__all__ = ["Between", "judge"]


class Between(NamedTuple):
    """The verdicts (inventory, counts, records, configuration, coverage), and the coverage."""

    verdicts: list[Verdict]
    coverage: Coverage


def judge(
    observation: Observation, window: BackupWindow, *, imported: Collection[str] = ()
) -> Between:
    """Judge what was seen of a copy by the fingerprints around it.

    `imported` collections came back via the API (new ids, cosine vectors within a tolerance). With one
    fingerprint alone a difference that clients can make is UNKNOWN, never FAIL.
    """
    collections = match(observation.fingerprint, window, imported=imported)
    coverage, differences = _compare_records(observation, window, collections, imported)
    verdicts = [
        explained_inventory(observation, window, collections),
        explained_counts(observation),
        explained_records(observation, window, collections, coverage, differences),
        explained_settings(observation, window, collections, imported),
        covered(observation, window, coverage),
    ]
    return Between(verdicts, coverage)


def _compare_records(
    observation: Observation,
    window: BackupWindow,
    collections: Sequence[CollectionWindow],
    imported: Collection[str],
) -> tuple[Coverage, list[Difference]]:
    """The coverage of every collection, and what in its records no client can have made."""
    unread = {error.where for error in observation.read_errors if error.step == "records"}
    parts: dict[str, CollectionCoverage] = {}
    differences: list[Difference] = []
    for one in collections:
        if one.key in unread and one.copy is not None and not len(one.copy.records):
            continue  # could not be read at all: the read error says why, not "all missing"
        part = _compare_collection(one, window, is_imported=one.key in imported)
        parts[one.key] = CollectionCoverage.sum(
            [parts.get(one.key, CollectionCoverage()), part.coverage]
        )
        differences += part.differences
    return Coverage(parts), differences


def _compare_collection(
    one: CollectionWindow, window: BackupWindow, *, is_imported: bool
) -> RecordWindow:
    if one.copy is None:
        # what is lost with its collection is named by its name, not record by record
        lost = one.recorded if one.is_lost else 0
        return RecordWindow(CollectionCoverage(moved=one.recorded - lost, unexplained=lost), [])
    return record_window.compare(
        one.key,
        one.before.records if one.before else None,
        one.copy.records,
        one.after.records if one.after else None,
        has_after=window.after is not None,
        tolerant=is_imported and one.copy.info.space == "cosine",
        written=is_imported,
        may_be_absent=one.is_remade,
    )
