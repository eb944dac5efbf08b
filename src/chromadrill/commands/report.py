"""Render and judge the record of a run again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from chromadrill.checks.suite import outcome_of
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import EXIT, print_verdicts
from chromadrill.core import cli
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import JSON, Outcome
from chromadrill.core.settings import load
from chromadrill.evidence import hash_chain, history
from chromadrill.evidence.finish import result_files
from chromadrill.evidence.ledger import read
from chromadrill.evidence.record import RECORD, record_of
from chromadrill.evidence.rejudge import rejudge
from chromadrill.evidence.report import result_tables
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown
from chromadrill.evidence.signature import SIGNATURE

app = application()


@app.command(cls=Command)
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder, e.g. reports/latest")],
    objectives: Annotated[
        Path | None,
        typer.Option("--objectives", metavar="FILE", help="judge by the [objectives] of this file"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="DIR", help="write report.md, report.html, drill.json there"
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="hashes, ledger and chain of the folder")
    ] = False,
    root: Annotated[
        str | None,
        typer.Option(
            "--root", metavar="HASH", help="with --check: the newest record's, kept elsewhere"
        ),
    ] = None,
) -> int:
    """Render and judge the record of a run again, or check that its folder is what it was.

    Needs the ledger alone, no server. Nothing in the run's folder is touched.
    """
    ledger = run / "evidence.jsonl"
    if not ledger.is_file():
        raise UsageError(f"{run}: no evidence.jsonl there; name a folder below reports/.")
    if check:
        return _check(run.resolve(), root)
    record = _record(ledger, objectives)
    if missing := _missing_seal(run, record):
        outcome = Outcome.merge([Outcome(record["outcome"]), Outcome.UNKNOWN])
        not_covered = [*record["not_covered"], missing]
        record = {**record, "outcome": str(outcome), "not_covered": not_covered}
        cli.say(f"{run}: {missing}")
    if altered := _alterations(run):
        record = {**record, "outcome": str(Outcome.FAIL), "altered": altered}
        cli.say(f"{run}: altered since it was sealed: {'; '.join(altered)}")
    if output:
        _write(record, run, output)
    sys.stdout.write(markdown(record))
    return EXIT[Outcome(record["outcome"])]


def _record(ledger: Path, objectives: Path | None) -> JSON:
    events = read(ledger)
    if objectives is not None:
        limits = load(objectives, environ={}).objectives.model_dump()
        events = rejudge(events, limits)
    try:
        return record_of(events)
    except Exception as error:  # lines of any shape, by anybody
        raise Unavailable(
            f"{ledger} cannot be followed: {type(error).__name__}: {error}."
        ) from error


def _missing_seal(run: Path, record: JSON) -> str:
    """A sentence where the run was sealed once, and its seal is gone; "" for any other.

    A ledger that is kept alone was never sealed.
    """
    if os.path.lexists(run / RECORD):
        return ""
    folder = run.resolve()
    try:
        lines = history.read(folder.parent / history.HISTORY)
    except Unavailable:
        lines = []
    is_known = any(line.get("run_id") == record["run_id"] for line in lines)
    if not (is_known or (folder / "report.html").exists() or (folder / SIGNATURE).exists()):
        return ""
    return f"there is no {RECORD}: whether its files are as they were sealed, nobody can tell"


def _alterations(run: Path) -> list[str]:
    """What differs from the run as it was sealed; a ledger that is kept alone was never sealed.

    A file that was laid beside the evidence changes none of it.
    """
    if not os.path.lexists(run / RECORD):
        return []
    key = load().evidence.signing_key
    verdicts = hash_chain.verify(run.resolve(), key.get_secret_value().encode() if key else None)
    failed = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    return [f"{v.check}: {v.message}" for v in failed if v.check != "extra files"]


def _write(record: JSON, run: Path, folder: Path) -> None:
    if folder.resolve().is_relative_to(run.resolve()):
        raise Refused(f"{folder} lies in the run's own folder, which stays as it is.")
    folder.mkdir(parents=True, exist_ok=True)
    tables = result_files(run)
    (folder / "report.md").write_text(markdown(record) + result_tables.markdown(tables), "utf-8")
    (folder / "report.html").write_text(page(record, tables=tables), "utf-8")
    (folder / RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _check(run: Path, root: str | None) -> int:
    key = load().evidence.signing_key
    verdicts = [
        *hash_chain.verify(run, key.get_secret_value().encode() if key else None),
        *hash_chain.verify_chain(run.parent, root=root),
    ]
    print_verdicts(verdicts)
    return EXIT[outcome_of(verdicts)]
