"""python -m chromadrill.report RUN_FOLDER: render the record of a run again, from its ledger."""

from __future__ import annotations

import sys
from pathlib import Path

from chromadrill import cli
from chromadrill.errors import UsageError
from chromadrill.evidence.record import distil
from chromadrill.model import Outcome
from chromadrill.reporting.markdown import markdown


def main(arguments: list[str] | None = None) -> int:
    """Print the report of a run; nothing in its folder is touched."""
    parser = cli.Parser(prog="python -m chromadrill.report", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder, e.g. reports/latest")
    run = parser.parse_args(arguments).run
    ledger = run / "evidence.jsonl"
    if not ledger.is_file():
        raise UsageError(f"{run}: no evidence.jsonl there; name a folder below reports/.")
    record = distil(ledger)
    sys.stdout.write(markdown(record))
    return cli.EXIT[Outcome(record["outcome"])]


if __name__ == "__main__":
    cli.run(main)
