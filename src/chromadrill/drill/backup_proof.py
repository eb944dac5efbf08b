"""Would a backup bring everything back? It is checked at rest, then as a server of our own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from chromadrill.backups.detect import ExistingBackup
from chromadrill.backups.export import importer, read_back
from chromadrill.backups.export.completeness import shortcomings
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.requirements import CHROMA_BYTES, LargestRecords
from chromadrill.backups.export.types import ExportRefused
from chromadrill.checks.questions import CHECK as QUESTIONS
from chromadrill.checks.suite import judge_between, outcome_of
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.core.files import size_of
from chromadrill.core.model import Fingerprint, Observation, Outcome, Scope, Verdict
from chromadrill.core.model.window import BackupWindow
from chromadrill.core.stopwatch import Stopwatch, timed
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.drill.first_answers import time_first_answers
from chromadrill.drill.one_collection import narrow_window
from chromadrill.drill.served_suite import STARTED, run_served_suite
from chromadrill.drill.validate import Validation, validate_files, validate_files_between
from chromadrill.targets.process.private_copy import scratch_target
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions

IMPORTED = "imported"


def prove(
    backup: ExistingBackup,
    window: BackupWindow | None = None,
    clock: Stopwatch | None = None,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """The whole check suite on a backup: at rest, then a private copy served and restarted.

    `window`: the fingerprints taken before and after it, of a database that is written to. `clock`:
    times what on-call's restore of it takes: copying or importing, the start, the first right answers.
    `questions`: the user's own, asked of the served copy before and after its restart.
    """
    if backup.exported:
        return prove_export(backup.data, window, clock, questions)
    if window is not None and backup.fingerprint is None:
        return validate_files_between(
            backup.data,
            window.before.scopes,
            window,
            None,
            serve=True,
            clock=clock,
            questions=questions,
        )
    validation = prove_files(backup.data, backup.fingerprint, clock, questions)
    return validation if window is None else _also_between(backup.data, window, validation)


def prove_export(
    path: Path,
    window: BackupWindow | None = None,
    clock: Stopwatch | None = None,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """Import an export into a scratch server, run the check suite, restart, run it again.

    It is held against the fingerprint inside it, so one that was cut or altered is a FAIL; and that
    fingerprint against those before and after it (`window`).
    """
    try:
        export = open_export(path)
        sealed = read_back.fingerprint(export)
    except ExportRefused as error:
        return Validation({}, [Verdict.failed("export", str(error))])
    before = _of_what_it_brings_back(sealed)
    counts = {key: collection.count for key, collection in before.collections.items()}
    largest = LargestRecords.of(export).largest(before.collections)
    request_bytes = largest[1].request_bytes if largest else 0
    with scratch_target(
        before.scopes,
        room_for=4 * size_of(path),
        request_bytes=request_bytes if request_bytes > CHROMA_BYTES else None,
    ) as target:
        with timed(clock, STARTED):
            target.start()
        with timed(clock, IMPORTED), connect(target.url, deadline_s=LONG_S) as chroma:
            verdicts = importer.restore(chroma, export)
        if outcome_of(verdicts) is Outcome.PASS:
            time_first_answers(target.url, before.scopes, clock)
        target.stop()
        if outcome_of(verdicts) is Outcome.PASS:
            verdicts = run_served_suite(
                target, before.scopes, before, None, before.collections, questions=questions
            )
    verdicts = [*verdicts, *shortcomings(export, counts)]
    if window is None:
        return Validation(counts, verdicts)
    # the recordings, too, list every database of a tenant
    exported = Observation(dataclasses.replace(before, databases=sealed.databases), counts=counts)
    explained, coverage = judge_between(exported, narrow_window(window, before.scopes))
    return Validation(counts, [*verdicts, *_named_between(explained)], coverage)


def _also_between(data: Path, window: BackupWindow, equal: Validation) -> Validation:
    """A backup that has a fingerprint of its own is also held against those around it."""
    observation = at_rest.observe(data, window.before.scopes)
    explained, coverage = judge_between(observation, window)
    return Validation(equal.counts, [*equal.verdicts, *_named_between(explained)], coverage)


def _named_between(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Beside the verdicts of the same checks on the backup's own fingerprint."""
    return [
        verdict
        if verdict.check == "coverage"
        else dataclasses.replace(verdict, check=f"{verdict.check} (between the fingerprints)")
        for verdict in verdicts
    ]


def _of_what_it_brings_back(sealed: Fingerprint) -> Fingerprint:
    """The fingerprint without databases of which nothing is in the export: they do not come back.

    The source lists all databases of a tenant, whichever were exported. The default database is there
    of every server.
    """
    scopes = {one.info.scope for one in sealed.collections.values()}
    default = {scope for scope in [Scope()] if scope.tenant in {one.tenant for one in scopes}}
    return dataclasses.replace(
        sealed, scopes=tuple(sorted(scopes)), databases=tuple(sorted({*scopes, *default}))
    )


def prove_files(
    data: Path,
    before: Fingerprint | None,
    clock: Stopwatch | None = None,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """The whole check suite on a directory: at rest, then a private copy served and restarted.

    Without a fingerprint, what nothing can be compared with is UNKNOWN, not left out: a backup
    that only agrees with itself is not proven to be complete.
    """
    counts, verdicts, _ = validate_files(
        data, (), before, None, serve=True, clock=clock, questions=questions
    )
    if before is None:
        verdicts = [
            dataclasses.replace(verdict, outcome=Outcome.UNKNOWN)
            if verdict.outcome is Outcome.NOT_RUN and not verdict.check.startswith(QUESTIONS)
            else verdict
            for verdict in verdicts
        ]
    return Validation(counts, verdicts)
