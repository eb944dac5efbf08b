"""Is this database what it was?"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.data_place import nearest, why_no_store
from chromadrill.checks.between.verdicts import coverage_text
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import (
    NEXT,
    collections_json,
    coverage_json,
    report_comparison,
)
from chromadrill.commands.salvage_step import is_damaged, salvage_step
from chromadrill.core.clock import parse_time
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Fingerprint, Outcome, Verdict
from chromadrill.core.model.window import BackupWindow, CollectionCoverage
from chromadrill.core.plural import plural
from chromadrill.core.settings import load
from chromadrill.core.urls import without_password
from chromadrill.drill import validate as engine
from chromadrill.drill.between import validate_between
from chromadrill.drill.validate import Validation
from chromadrill.workload.queries.configured_questions import configured_questions

app = application()


@app.command(cls=Command)
def validate(
    url: options.Url = None,
    path: options.DataPath = None,
    tenant: options.Tenant = options.DEFAULT_TENANT,
    database: options.Database = options.DEFAULT_DATABASE,
    scope: options.Scopes = None,
    collection_name: options.CollectionName = None,
    all_: options.All = False,
    fingerprint: Annotated[
        Path | None,
        typer.Option("--fingerprint", metavar="FILE", help="what it has to be equal to"),
    ] = None,
    until: Annotated[
        Path | None,
        typer.Option(
            "--until",
            metavar="FILE",
            help="the fingerprint taken after the copy, where --fingerprint was taken before it"
            " and clients went on writing",
        ),
    ] = None,
    original: Annotated[
        str | None,
        typer.Option(
            "--original", metavar="NAME", help="of a restored copy: its name in the fingerprint"
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="also serve a private copy of --path")
    ] = False,
    rebuilt: Annotated[
        bool,
        typer.Option("--rebuilt", help="vectors were embedded anew: cosine >= 0.9999 will do"),
    ] = False,
    json: options.Json = False,
) -> int:
    """Is this database what it was? Exit 0 proven, 1 it differs, 2 could not check.

    Without --fingerprint nothing is compared: the answers are judged by the database's own records.
    """
    options.require_one_of({"--collection-name": collection_name, "--all": all_})
    if rebuilt and not (fingerprint and url and not path):
        raise UsageError("--rebuilt needs --fingerprint and --url.")
    if original and not (fingerprint and collection_name):
        raise UsageError("--original needs --fingerprint and --collection-name.")
    if until and (not fingerprint or rebuilt or original):
        raise UsageError("--until needs --fingerprint, and neither --rebuilt nor --original.")
    server = options.ServerOptions(url, tenant, database, scope)
    source = server.source(path)
    # of one collection alone, nobody knows which of them are about it
    questions = configured_questions(load()) if serve and not collection_name else None
    if fingerprint and until:
        window = _window(fingerprint, until)
        validation = validate_between(
            source, server.scopes(), window, collection_name, serve=serve, questions=questions
        )
        first, last = _between(source, (fingerprint, until), window, validation)
        return report_comparison(
            validation.verdicts,
            collections_json(validation.counts, validation.verdicts),
            as_json=json,
            first=first,
            last=last,
            coverage=coverage_json(validation.coverage),
        )
    before = fingerprint_file.load(fingerprint) if fingerprint else None
    validation = engine.validate(
        source,
        server.scopes(),
        before,
        collection_name,
        serve=serve,
        rebuilt=rebuilt,
        original=original,
        questions=questions,
    )
    counts, verdicts, coverage = validation
    name = str(source) if isinstance(source, Path) else without_password(source)
    subject = f"collection {collection_name} of {name}" if collection_name else name
    if before is None or fingerprint is None:
        first, last = _without_fingerprint(subject, verdicts, source)
    else:
        first = f"{subject}, compared with {_described(fingerprint, before)}"
        last = _with_fingerprint(fingerprint, verdicts, source)
        if collection_name and not original and not _is_known(collection_name, before):
            last += f"{NEXT}compare a copy under another name with --original NAME."
    more = {"coverage": coverage_json(coverage)} if coverage else {}
    if coverage and outcome_of(verdicts) is Outcome.UNKNOWN:
        last += " Its log goes on after that fingerprint was taken; the one taken after the copy"
        last += " tells what clients changed: --until FILE."
    if isinstance(source, Path) and source.is_dir() and is_damaged(verdicts):
        last += salvage_step(source)
    collections = collections_json(counts, verdicts)
    return report_comparison(verdicts, collections, as_json=json, first=first, last=last, **more)


def _window(before: Path, after: Path) -> BackupWindow:
    """The fingerprints of two files. Raises UsageError unless the second was taken after the first."""
    window = BackupWindow(fingerprint_file.load(before), fingerprint_file.load(after))
    first, second = window.fingerprints
    if parse_time(first.taken_at) > parse_time(second.taken_at):
        raise UsageError(
            f"--until {after} was taken {second.taken_at}, before --fingerprint {before}:"
            f" {first.taken_at}.",
            next_step=f"Exchange them: --fingerprint {after} --until {before}",
        )
    if set(first.scopes) != set(second.scopes):
        raise UsageError(
            f"--until {after} covers {', '.join(map(str, second.scopes))}, and --fingerprint"
            f" {before} {', '.join(map(str, first.scopes))}: both have to cover the same databases."
        )
    return window


def _between(
    source: str | Path, files: tuple[Path, Path], window: BackupWindow, validation: Validation
) -> tuple[str, str]:
    """The first line, and the end of the last, of a copy that was taken between two fingerprints."""
    subject = str(source) if isinstance(source, Path) else without_password(source)
    known = zip(files, window.fingerprints, strict=True)
    first = f"{subject}, between " + " and ".join(_described(file, one) for file, one in known)
    outcome = outcome_of(validation.verdicts)
    if outcome is not Outcome.PASS:
        bad = ", ".join(v.check for v in validation.verdicts if v.outcome is outcome)
        reason = "is not what lay between" if outcome is Outcome.FAIL else "could not be proven by"
        return first, f"{reason} {files[0]} and {files[1]}: {bad}."
    total = validation.coverage.total if validation.coverage else CollectionCoverage()
    rest = "" if _is_served(validation) else "; only files were read, no server was asked (--serve)"
    return first, f"{coverage_text(total)}{rest}."


def _is_served(validation: Validation) -> bool:
    return not any(v.check == "alive" and v.outcome is Outcome.NOT_RUN for v in validation.verdicts)


def _without_fingerprint(
    subject: str, verdicts: Sequence[Verdict], source: str | Path
) -> tuple[str, str]:
    """The first line, and the end of the last: nothing was compared, whatever was found."""
    outcome = outcome_of(verdicts)
    self_consistency = {
        Outcome.PASS: "self-consistent",
        Outcome.FAIL: "it disagrees with itself",
    }.get(outcome, "self-consistency could not be judged")
    option, file = (
        ("--path", source.name or "chroma") if isinstance(source, Path) else ("--url", "chroma")
    )
    place = source if isinstance(source, Path) else without_password(source)
    take = shlex.join(
        ["chromadrill", "fingerprint", option, str(place), "--output", f"{file}.fingerprint"]
    )
    step = f"{NEXT}{take}" if outcome is Outcome.PASS else ""
    first = f"{subject}, compared with nothing (no --fingerprint): self-consistency alone is judged"
    return first, f"{self_consistency}; nothing was compared: no fingerprint.{step}"


def _described(file: Path, before: Fingerprint) -> str:
    return f"{file}: {plural(before.records, 'record')}, taken {before.taken_at} ({before.taken})"


def _with_fingerprint(file: Path, verdicts: Sequence[Verdict], source: str | Path) -> str:
    """The end of the last line: what was compared with the fingerprint, and what was not."""
    outcome = outcome_of(verdicts)
    if outcome is Outcome.PASS:
        skipped = [verdict.check for verdict in verdicts if verdict.outcome is Outcome.NOT_RUN]
        files_alone = isinstance(source, Path) and "alive" in skipped
        rest = "; only files were read, no server was asked (--serve)" if files_alone else ""
        return f"equal to {file}{rest}."
    if isinstance(source, Path) and (reason := why_no_store(source)):
        return f"{source} {reason} {nearest(source)}".rstrip()
    bad = ", ".join(verdict.check for verdict in verdicts if verdict.outcome is outcome)
    compared = "differs from" if outcome is Outcome.FAIL else "could not be compared with"
    return f"{compared} {file}: {bad}."


def _is_known(name: str, before: Fingerprint) -> bool:
    return any(collection.info.name == name for collection in before.collections.values())
