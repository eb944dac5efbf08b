"""python -m benchmarks [--limits] [--records N] [--only NAME ...]: each row is a ratio against its bar.

Both sides of a row alternate in one run, so that a drift of the machine hits both; the medians' ratio is
printed. Processor time counts wherever it can: other processes of the machine change it little.
`--limits` are the rows about the limits of speed and memory, on 100,000 records of a store with a light
index, in some minutes; without it they are measured on fewer records, with all the others.

Exit 1 when a bar is missed by more than `--margin`, or a row could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks import (
    at_rest,
    commands,
    exports,
    fingerprints,
    load,
    rebuild,
    reconcile,
    restores,
    reuse,
    workers,
)
from benchmarks.fingerprints import Bench, Ratio


class Row(NamedTuple):
    """What is measured, and the bar: at most (or `at_least`) that much."""

    measure: Callable[[Bench], Ratio]
    bar: float
    at_least: bool = False

    def is_met(self, value: float, margin: float = 1.0) -> bool:
        """Whether the value keeps to the bar, or misses it by less than a factor."""
        if self.at_least:
            return value >= self.bar / margin
        return value <= self.bar * margin

    @property
    def text(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bar}"


LIMITS = {
    # whole commands, processor time of their own processes by the slope of the records; one by the clock
    "live fingerprint / bare paging": Row(commands.live_fingerprint, 1.0),
    "validate --serve / live fingerprint": Row(commands.validation, 3.0),
    "export, proven / bare paging": Row(commands.whole_export, 3.0),
    "export's rate / the best peer's": Row(commands.export_rate, 4.0, at_least=True),
    "peak of all records / of a part": Row(commands.memory, 1.3),
    "largest peak, MB": Row(commands.peak, 600.0),
    "at rest / read, hash, join of files": Row(at_rest.bare_ratio, 4.0),
    "at rest / that and SQLite's checks": Row(at_rest.whole_ratio, 2.5),
    "at rest, one core / two": Row(at_rest.two_cores, 1.7, at_least=True),
    "memory at rest, 100,000 / 10,000": Row(at_rest.memory, 1.3),
    "1,000,000 records compared, s": Row(fingerprints.comparison, 5.0),
    "embedding all / 99 % taken over": Row(reuse.speed, 50.0, at_least=True),
    "memory of taking over, all / a part": Row(reuse.memory, 1.3),
    "100,000 rows reconciled, s": Row(reconcile.seconds, 60.0),
    "restore / cp -a, start": Row(restores.first_answer, 1.2),
}
OTHERS = {
    "self-recall / bare queries": Row(fingerprints.self_recall, 1.1),
    "export to Parquet / bare paging": Row(exports.write_export, 1.1),
    "import / bare upserts": Row(exports.import_records, 1.2),
    # p50 above a bare httpx loop's, by what it may be: the larger of 10 % and 1 ms
    "load generator's share / allowed": Row(load.overhead, 1.0),
    "rows of PostgreSQL / bare cursor": Row(rebuild.read_rows, 8.0),
    "rebuild without model / bare upserts": Row(rebuild.fill_collection, 2.0),
    # clock time of both cores: in a quiet moment
    "two workers / one, documents a second": Row(workers.two_workers, 1.8, at_least=True),
    "1,000,000 records in a file, MB": Row(fingerprints.million, 250.0),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--limits", action="store_true", help="the limits alone, 100,000 records")
    parser.add_argument("--records", type=int, help="100,000 with --limits, else 20,000")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="rows whose name holds this")
    parser.add_argument("--margin", type=float, default=1.0, help="a shared machine: 1.3")
    parser.add_argument("--json", type=Path, default=Path("reports/benchmarks.json"))
    args = parser.parse_args()
    rows = LIMITS if args.limits else LIMITS | OTHERS
    rows = {
        name: row
        for name, row in rows.items()
        if not args.only or any(part in name for part in args.only)
    }
    records = args.records or (100_000 if args.limits else 20_000)
    server = fingerprints.light_server if args.limits else fingerprints.server
    started = time.monotonic()
    with server(records) as bench:
        results = [measure(name, row, bench, args.margin) for name, row in rows.items()]
    failed = [result["row"] for result in results if result["outcome"] == "FAIL"]
    print_line(f"{time.monotonic() - started:.0f} s; failed: {', '.join(failed) or 'none'}")
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(results, indent=1))
    return 0 if results and not failed else 1


def measure(name: str, row: Row, bench: Bench, margin: float) -> dict[str, object]:
    """Measure one row and print it. A row that breaks off fails, and the next one is measured."""
    try:
        value, detail = row.measure(bench)
    except Exception as error:
        traceback.print_exc()
        print_line(f"{name:<36} {'-':>8}  {row.text:<8} FAIL  {type(error).__name__}: {error}")
        return {"row": name, "value": None, "bar": row.text, "outcome": "FAIL"}
    outcome = "PASS"
    if not row.is_met(value):
        outcome = "near" if row.is_met(value, margin) else "FAIL"
    print_line(f"{name:<36} {value:8.2f}  {row.text:<8} {outcome}  {detail}")
    return {"row": name, "value": value, "bar": row.text, "outcome": outcome, **detail}


def print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
