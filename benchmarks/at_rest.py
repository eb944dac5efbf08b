"""python -m benchmarks.at_rest SMALL LARGE: the fingerprint of files against its limit, in one run.

The limit is what cannot be left out: reading the same files, BLAKE2b of the index files, and the bare
join of records and metadata. Both sides run as processes of their own, in turn, on both stores. The
figure of a record is the slope between the stores, so that no start-up is in it. SMALL and LARGE are
data directories, as `python -m benchmarks.big_store` makes them.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROUNDS = 3
SMALL, LARGE = 10_000, 100_000
JOIN = (
    "SELECT e.id, e.embedding_id, m.key, m.string_value, m.int_value, m.float_value, m.bool_value"
    " FROM embeddings e JOIN embedding_metadata m ON m.id = e.id"
)
Ratio = tuple[float, dict[str, float]]


class Cost(NamedTuple):
    """What one process took: processor seconds and seconds, its threads included, and its peak."""

    processor_s: float
    clock_s: float
    peak_mb: float


# A child's peak is at least that of the process it was started from. So a small one starts it.
LAUNCH = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
sys.stdout.write(f"\\n{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss / 1024}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def cost(arguments: list[str]) -> Cost:
    """Run Python with some arguments to its end. Raises CalledProcessError unless it exits 0."""
    started = time.monotonic()
    command = [sys.executable, "-S", "-E", "-c", LAUNCH, sys.executable, *arguments]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    processor_s, peak_mb = map(float, output.splitlines()[-1].split())
    return Cost(processor_s, time.monotonic() - started, peak_mb)


def touch_all(store: Path) -> None:
    """Do what every fingerprint of these files has to do, and keep nothing."""
    for file in store.rglob("*"):
        if file.is_file():
            hasher = hashlib.blake2b() if file.parent != store else None
            with file.open("rb", buffering=0) as stream:
                while block := stream.read(1 << 20):
                    if hasher:
                        hasher.update(block)
    uri = f"file:{store / 'chroma.sqlite3'}?mode=ro&immutable=1"
    for _ in sqlite3.connect(uri, uri=True).execute(JOIN):
        pass


def against_limit(small: Path, large: Path, rounds: int = ROUNDS) -> Ratio:
    """Ratio of processor time a record, ours to the limit's, by the slope between two stores."""
    records = _count(large) - _count(small)
    slopes: dict[str, list[float]] = {"limit": [], "ours": [], "clock": []}
    peaks = {small: 0.0, large: 0.0}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
            limits, costs = [], []
            for store in (small, large):
                limits.append(cost(["-m", "benchmarks.at_rest", "--limit", str(store)]))
                costs.append(cost([
                    "-m", "chromadrill", "fingerprint", "--path", str(store),
                    "--output", f"{folder}/{store.name}",
                ]))  # fmt: skip
                peaks[store] = max(peaks[store], costs[-1].peak_mb)
        for name, (few, many), what in (
            ("limit", limits, "processor_s"),
            ("ours", costs, "processor_s"),
            ("clock", costs, "clock_s"),
        ):
            slopes[name].append((getattr(many, what) - getattr(few, what)) / records * 1e6)
    limit, ours, clock = (median(slopes[name]) for name in ("limit", "ours", "clock"))
    return ours / limit, {
        "ours_us": round(ours, 1),
        "limit_us": round(limit, 1),
        "clock_us": round(clock, 1),
        "peak_mb": round(peaks[large]),
        "peak_of_small_mb": round(peaks[small]),
    }


def _count(store: Path) -> int:
    uri = f"file:{store / 'chroma.sqlite3'}?mode=ro&immutable=1"
    return int(
        sqlite3.connect(uri, uri=True).execute("SELECT count(*) FROM embeddings").fetchone()[0]
    )


@contextmanager
def stores() -> Iterator[tuple[Path, Path]]:
    """Make a small and a large store; removed afterwards."""
    from benchmarks.big_store import make_store

    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        paths = (Path(folder) / "small", Path(folder) / "large")
        for path, records in zip(paths, (SMALL, LARGE), strict=True):
            make_store(path, records)
        yield paths


_measured: list[Ratio] = []  # both rows of the table are of the same runs


def _measure() -> Ratio:
    if not _measured:
        with stores() as (small, large):
            _measured.append(against_limit(small, large))
    return _measured[0]


def ratio(bench: object) -> Ratio:
    return _measure()


def memory(bench: object) -> Ratio:
    _, numbers = _measure()
    return numbers["peak_mb"] / numbers["peak_of_small_mb"], numbers


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.at_rest", description=__doc__)
    parser.add_argument("--limit", action="store_true", help="do what cannot be left out, once")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("stores", nargs="+", type=Path)
    args = parser.parse_args()
    if args.limit:
        touch_all(args.stores[0])
    else:
        value, detail = against_limit(*args.stores, rounds=args.rounds)
        sys.stdout.write(f"{value:.2f} x the limit  {detail}\n")
