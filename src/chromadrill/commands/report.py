"""chromadrill report RUN_FOLDER: render and judge the record of a run again.

Needs the ledger alone, no server. Nothing in the run's folder is touched.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.model import JSON, Outcome
from chromadrill.core.settings import load
from chromadrill.evidence import hash_chain
from chromadrill.evidence.finish import result_files
from chromadrill.evidence.ledger import read
from chromadrill.evidence.record import RECORD, record_of
from chromadrill.evidence.rejudge import rejudge
from chromadrill.evidence.report import result_tables
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown


def main(arguments: list[str] | None = None) -> int:
    """Print the report of a run, or check that its folder is what it was."""
    parser = cli.Parser(prog="chromadrill report", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder, e.g. reports/latest")
    parser.add_argument("--objectives", type=Path, help="judge by the [objectives] of this file")
    parser.add_argument(
        "--output", type=Path, help="write report.md, report.html, drill.json there"
    )
    parser.add_argument(
        "--check", action="store_true", help="hashes, ledger and chain of the folder"
    )
    parser.add_argument("--root", help="with --check: the newest record's hash, kept elsewhere")
    asked = parser.parse_args(arguments)
    ledger = asked.run / "evidence.jsonl"
    if not ledger.is_file():
        raise UsageError(f"{asked.run}: no evidence.jsonl there; name a folder below reports/.")
    if asked.check:
        return _check(asked.run.resolve(), asked.root)
    record = _judged(ledger, asked.objectives)
    if asked.output:
        _write(record, asked.run, asked.output)
    sys.stdout.write(markdown(record))
    return cli.EXIT[Outcome(record["outcome"])]


def _judged(ledger: Path, objectives: Path | None) -> JSON:
    events = read(ledger)
    if objectives is not None:
        limits = load(objectives, environ={}).objectives.model_dump()
        events = rejudge(events, limits)
    return record_of(events)


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
    for each in verdicts:
        sys.stdout.write(f"{each.check:<16} {each.outcome.upper():<8} {each.message}\n")
    return cli.EXIT[outcome_of(verdicts)]


if __name__ == "__main__":
    cli.run(main)
