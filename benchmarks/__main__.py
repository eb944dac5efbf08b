"""python -m benchmarks [--records N] [--only NAME ...]: each row is a ratio against its bar.

Both sides alternate in one run, so that a drift of the machine hits both; the medians' ratio is
printed. Exit 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import at_rest, commands, exports, fingerprints, load, rebuild

ROWS = {
    # whole commands, processor time of their own processes, by the slope of the records
    "live fingerprint / bare paging": (commands.live_fingerprint, "<=", 1.0),
    "validate --serve / live fingerprint": (commands.validation, "<=", 3.0),
    "export, proven / bare paging": (commands.whole_export, "<=", 3.0),
    "export's rate / the best peer's": (commands.export_rate, ">=", 4.0),
    "peak of all records / of a part": (commands.memory, "<=", 1.3),
    "largest peak, MB": (commands.peak, "<=", 600.0),
    "self-recall / bare queries": (fingerprints.self_recall, "<=", 1.1),
    "live records / at rest": (fingerprints.at_rest, ">=", 4.0),
    "at rest / read, hash, join of files": (at_rest.ratio, "<=", 4.0),
    "memory at rest, 100,000 / 10,000": (at_rest.memory, "<=", 1.3),
    "1,000,000 records compared, s": (fingerprints.comparison, "<=", 5.0),
    "export to Parquet / bare paging": (exports.write_export, "<=", 1.1),
    "import / bare upserts": (exports.import_records, "<=", 1.2),
    # p50 above a bare httpx loop's, by what it may be: the larger of 10 % and 1 ms
    "load generator's share / allowed": (load.overhead, "<=", 1.0),
    "rows of PostgreSQL / bare cursor": (rebuild.read_rows, "<=", 8.0),
    "rebuild without model / bare upserts": (rebuild.fill_collection, "<=", 2.0),
    "1,000,000 records in a file, MB": (fingerprints.million, "<=", 250.0),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="rows whose name holds this")
    parser.add_argument("--json", type=Path, default=Path("reports/benchmarks.json"))
    args = parser.parse_args()
    results = []
    with fingerprints.server(args.records) as bench:
        for name, (measure, sign, bar) in ROWS.items():
            if args.only and not any(part in name for part in args.only):
                continue
            value, detail = measure(bench)
            good = value <= bar if sign == "<=" else value >= bar
            results.append(
                {"row": name, "value": value, "bar": f"{sign} {bar}", "ok": good, **detail}
            )
            sys.stdout.write(
                f"{name:<36} {value:8.2f}  {sign} {bar:<6} {'ok' if good else 'MISSED'}  {detail}\n"
            )
            sys.stdout.flush()
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(results, indent=1))
    return 0 if results and all(row["ok"] for row in results) else 1


if __name__ == "__main__":
    sys.exit(main())
