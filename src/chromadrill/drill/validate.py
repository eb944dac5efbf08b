"""Is it all there? The check suite on a running server, which is only read, or on a directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from chromadrill.backups.data_place import data_directory, is_packed, require_store
from chromadrill.checks.at_rest import unread_store
from chromadrill.checks.content import came_over_the_api
from chromadrill.checks.suite import judge, judge_files
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Fingerprint, Scope, Verdict
from chromadrill.drill.connection import connect
from chromadrill.drill.one_collection import narrow, narrow_scopes, rename
from chromadrill.drill.served_suite import not_served, run_served_suite
from chromadrill.targets.process.private_copy import private_copy


class Validation(NamedTuple):
    """The verdicts, and how many records each collection holds."""

    counts: Mapping[str, int]
    verdicts: list[Verdict]


def validate(
    source: str | Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool = False,
    rebuilt: bool = False,
    original: str | None = None,
) -> Validation:
    """Run the check suite. `name`: on that collection alone.

    `rebuilt`: vectors were embedded anew since the fingerprint (a server's collections alone).
    `original`: what the fingerprint calls that collection, NAME or TENANT/DATABASE/NAME.

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
        return validate_files(data_directory(source), scopes, before, name, serve=serve)
    if serve:
        raise UsageError("--serve needs --path: a running server is served already.")
    with connect(source) as chroma:
        observation = live.observe(chroma, scopes, like=before)
    # narrowed first: one collection that was restored from its export is imported, all of it
    observation, before = narrow(observation, before, name)
    imported = came_over_the_api(observation, before) if before else ()
    anew = imported if rebuilt else ()
    verdicts = judge(observation, before, imported=imported, rebuilt=anew)
    return Validation(observation.counts, verdicts)


def validate_files(
    data: Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool,
) -> Validation:
    """The check suite at rest; with `serve` also on a private copy, served and restarted."""
    observation = at_rest.observe(data, scopes, like=before)
    narrowed, expected = narrow(observation, before, name)
    # narrowed first: one collection that was restored from its export is imported, all of it
    imported = came_over_the_api(narrowed, expected) if expected else frozenset()
    verdicts = judge_files(narrowed, expected, imported=imported)
    if not serve:
        return Validation(narrowed.counts, [*verdicts, *not_served()])
    if unread_store(observation):
        # a start would upgrade the copy, or panic on it, and what it then lacks says nothing of the data
        reason = "needs a server: not started on a store that this reader does not know"
        return Validation(narrowed.counts, [*verdicts, *not_served(reason)])
    if not data.is_dir():
        missing = Verdict.failed("start", f"{data} is not a directory.")
        return Validation(narrowed.counts, [*verdicts, missing])
    # with no fingerprint, a sound directory's own records are what its server has to answer
    own = None if observation.read_errors else observation.fingerprint
    before = before or own
    scopes = before.scopes if before else observation.fingerprint.scopes or (Scope(),)
    with private_copy(data, scopes) as target:
        verdicts += run_served_suite(target, scopes, before, name, imported)
    return Validation(narrowed.counts, verdicts)
