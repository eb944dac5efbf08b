"""Is it all there? The check suite on a running server, which is only read, or on a directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from chromadrill.backups.data_place import data_directory, is_packed, require_store
from chromadrill.checks.at_rest import unread_store
from chromadrill.checks.between.verdicts import is_written_later
from chromadrill.checks.content import came_over_the_api
from chromadrill.checks.suite import (
    judge,
    judge_between,
    judge_files,
    judge_soundness,
    outcome_of,
)
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Fingerprint, Observation, Outcome, Recall, Scope, Verdict
from chromadrill.core.model.window import BackupWindow, Coverage
from chromadrill.core.stopwatch import Stopwatch
from chromadrill.drill.connection import connect
from chromadrill.drill.one_collection import (
    narrow,
    narrow_scopes,
    narrow_to_collection,
    rename,
)
from chromadrill.drill.served_suite import not_served, run_served_suite
from chromadrill.targets.process.private_copy import private_copy
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions


class Validation(NamedTuple):
    """The verdicts, and how many records each collection holds.

    `coverage`: how much is proven of a copy that was taken between two fingerprints.
    """

    counts: Mapping[str, int]
    verdicts: list[Verdict]
    coverage: Coverage | None = None


def validate(
    source: str | Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool = False,
    rebuilt: bool = False,
    original: str | None = None,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """Run the check suite. `name`: on that collection alone.

    `rebuilt`: vectors were embedded anew since the fingerprint (a server's collections alone).
    `original`: what the fingerprint calls that collection, NAME or TENANT/DATABASE/NAME.
    `questions`: the user's own, asked of the served copy.

    A directory is read at rest; with `serve` a private copy of it is then served and checked,
    written to, restarted and checked again. Raises Unavailable for a path without a store where
    there is no fingerprint, and for an archive or an export; else its data is missing, which is a
    FAIL: a directory restored one folder too deep is one that a server finds empty.
    """
    if before and name and original:
        before = rename(before, original, name, scopes)
    before = narrow_scopes(before, scopes)
    if isinstance(source, Path):
        if before is None or is_packed(source):
            require_store(source)
        return validate_files(
            data_directory(source), scopes, before, name, serve=serve, questions=questions
        )
    observation = observe_server(source, scopes, before, serve=serve)
    # narrowed first: one collection that was restored from its export is imported, all of it
    observation, before = narrow(observation, before, name)
    imported = came_over_the_api(observation.fingerprint, before) if before else ()
    anew = imported if rebuilt else ()
    verdicts = judge(observation, before, imported=imported, rebuilt=anew)
    return Validation(observation.counts, verdicts)


def observe_server(
    url: str, scopes: Sequence[Scope], before: Fingerprint | None, *, serve: bool
) -> Observation:
    """Read a running server. Raises UsageError where a served copy was asked for."""
    if serve:
        raise UsageError("--serve needs --path: a running server is served already.")
    with connect(url) as chroma:
        return live.observe(chroma, scopes, like=before)


def validate_files(
    data: Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool,
    clock: Stopwatch | None = None,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """The check suite at rest; with `serve` also on a private copy, served and restarted.

    `clock`: times what a restore of the directory takes (`Stopwatch`), without the checks.
    Where its log shows that clients wrote after the fingerprint was taken, it was another state then:
    what clients can have changed is UNKNOWN.
    """
    observation = at_rest.observe(data, scopes, like=before)
    narrowed, expected = narrow(observation, before, name)
    # narrowed first: one collection that was restored from its export is imported, all of it
    imported = came_over_the_api(narrowed.fingerprint, expected) if expected else frozenset()
    verdicts = judge_files(narrowed, expected, imported=imported)
    differs = outcome_of(verdicts) is Outcome.FAIL
    if before and differs and is_written_later(observation, before):
        window = BackupWindow(before)
        return _between_files(
            data, observation, window, name, serve=serve, clock=clock, questions=questions
        )
    verdicts += (
        _serve(data, observation, before, name, imported, clock, questions)
        if serve
        else not_served()
    )
    return Validation(narrowed.counts, verdicts)


def validate_files_between(
    data: Path,
    scopes: Sequence[Scope],
    window: BackupWindow,
    name: str | None,
    *,
    serve: bool,
    clock: Stopwatch | None = None,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """As `validate_files`, by the fingerprints taken before and after the directory was copied."""
    observation = at_rest.observe(data, scopes)
    return _between_files(
        data, observation, window, name, serve=serve, clock=clock, questions=questions
    )


def _between_files(
    data: Path,
    observation: Observation,
    window: BackupWindow,
    name: str | None,
    *,
    serve: bool,
    clock: Stopwatch | None,
    questions: ConfiguredQuestions | None,
) -> Validation:
    narrowed, expected = narrow_to_collection(observation, window, name)
    imported = came_over_the_api(narrowed.fingerprint, *expected.fingerprints)
    verdicts, coverage = judge_between(narrowed, expected, imported=imported)
    verdicts = [*judge_soundness(narrowed), *verdicts]
    if serve:
        observation = with_recall_of(observation, window)
    verdicts += (
        _serve(data, observation, None, name, (), clock, questions) if serve else not_served()
    )
    return Validation(narrowed.counts, verdicts, coverage)


def with_recall_of(observation: Observation, window: BackupWindow) -> Observation:
    """The observation with the source's recall of each collection: files alone have none.

    The lower one counts: clients' deletes cost an index some recall on the way.
    """
    known: dict[str, Recall] = {}
    for fingerprint in window.fingerprints:
        for one in fingerprint.collections.values():
            lowest = known.get(one.info.id)
            if one.recall and (lowest is None or one.recall.self_share < lowest.self_share):
                known[one.info.id] = one.recall
    collections = {
        key: dataclasses.replace(one, recall=known.get(one.info.id))
        for key, one in observation.fingerprint.collections.items()
    }
    fingerprint = dataclasses.replace(observation.fingerprint, collections=collections)
    return dataclasses.replace(observation, fingerprint=fingerprint)


def _serve(
    data: Path,
    observation: Observation,
    before: Fingerprint | None,
    name: str | None,
    imported: Collection[str],
    clock: Stopwatch | None,
    questions: ConfiguredQuestions | None,
) -> list[Verdict]:
    """The check suite on a private copy, served and restarted; `observation`: of its files."""
    if unread_store(observation):
        # a start would upgrade the copy, or panic on it, and what it then lacks says nothing of the data
        return not_served("needs a server: not started on a store that this reader does not know")
    if not data.is_dir():
        return [Verdict.failed("start", f"{data} is not a directory.")]
    # with no fingerprint, a sound directory's own records are what its server has to answer
    own = None if observation.read_errors else observation.fingerprint
    before = before or own
    scopes = before.scopes if before else observation.fingerprint.scopes or (Scope(),)
    with private_copy(data, scopes, clock) as target:
        return run_served_suite(target, scopes, before, name, imported, clock, questions)
