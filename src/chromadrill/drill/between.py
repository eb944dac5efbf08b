"""Is this copy what the database was between two fingerprints? A server, a directory, or a backup."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chromadrill.backups.data_place import data_directory, is_packed
from chromadrill.backups.detect import ExistingBackup, open_existing
from chromadrill.backups.export import read_back
from chromadrill.backups.export.formats import is_export, open_export
from chromadrill.backups.export.types import ExportRefused
from chromadrill.checks.content import came_over_the_api
from chromadrill.checks.suite import judge, judge_between, judge_content
from chromadrill.core import process_tags
from chromadrill.core.model import Outcome, Scope, Verdict
from chromadrill.core.model.window import BackupWindow
from chromadrill.drill.backup_proof import prove_export
from chromadrill.drill.one_collection import narrow_to_collection, narrow_window
from chromadrill.drill.served_suite import not_served
from chromadrill.drill.validate import Validation, observe_server, validate_files_between
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions

PREFIX = "chromadrill-unpacked-"


def validate_between(
    source: str | Path,
    scopes: Sequence[Scope],
    window: BackupWindow,
    name: str | None,
    *,
    serve: bool = False,
    questions: ConfiguredQuestions | None = None,
) -> Validation:
    """Judge a copy by the fingerprints taken before and after it. `name`: that collection alone.

    `source`: the URL of a server, a data directory, an export, or an archive of any of them. With
    `serve` a private copy is also served, and answers as its own records say, and to the user's own
    `questions`. Raises Unavailable for a
    path that is no backup, and UsageError.
    """
    window = narrow_window(window, scopes)
    scopes = scopes or window.before.scopes
    if isinstance(source, str):
        return _validate_server(source, scopes, window, name, serve=serve)
    if not is_packed(source) and not is_export(source):
        return validate_files_between(
            data_directory(source), scopes, window, name, serve=serve, questions=questions
        )
    with _opened(source) as backup:
        if backup.exported:
            validation = _validate_export(
                backup.data, window, name, serve=serve, questions=questions
            )
        else:
            validation = validate_files_between(
                backup.data, scopes, window, name, serve=serve, questions=questions
            )
    if backup.files.outcome is Outcome.NOT_RUN:
        return validation
    return validation._replace(verdicts=[backup.files, *validation.verdicts])


def _validate_server(
    url: str, scopes: Sequence[Scope], window: BackupWindow, name: str | None, *, serve: bool
) -> Validation:
    observation = observe_server(url, scopes, None, serve=serve)
    observation, window = narrow_to_collection(observation, window, name)
    imported = came_over_the_api(observation.fingerprint, *window.fingerprints)
    verdicts, coverage = judge_between(observation, window, imported=imported)
    known = {verdict.check for verdict in verdicts}
    answers = [one for one in judge(observation, None) if one.check not in known]
    return Validation(observation.counts, [*verdicts, *answers], coverage)


def _validate_export(
    path: Path,
    window: BackupWindow,
    name: str | None,
    *,
    serve: bool,
    questions: ConfiguredQuestions | None,
) -> Validation:
    """An export is held against the fingerprint inside it, too: one that was cut or altered fails."""
    if serve and name is None:
        return prove_export(path, window, questions=questions)
    try:
        export = open_export(path)
        observation = read_back.observe(export)
    except ExportRefused as error:
        return Validation({}, [Verdict.failed("export", str(error))])
    sealed = (
        judge_content(observation, export.fingerprint) if read_back.keeps_records(export) else []
    )
    own = [verdict for verdict in sealed if verdict.outcome is not Outcome.PASS]
    narrowed, window = narrow_to_collection(observation, window, name)
    verdicts, coverage = judge_between(narrowed, window)
    return Validation(narrowed.counts, [*own, *verdicts, *not_served()], coverage)


@contextmanager
def _opened(path: Path) -> Iterator[ExistingBackup]:
    """The backup that a path is; an archive is unpacked for as long as it is needed."""
    process_tags.sweep_folders(PREFIX)
    scratch = process_tags.new_folder(PREFIX)
    try:
        yield open_existing(path, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
