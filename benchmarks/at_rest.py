"""python -m benchmarks.at_rest SMALL LARGE: the fingerprint of files against its limit, in one run.

The limit is what cannot be left out: reading the same files, BLAKE2b of the index files, and the bare
join of records and metadata. SQLite's own checks of the file and of its full-text index are part of
every honest verification, too. So there are two figures: without them on either side, and with them on
both. All sides run as processes of their own, in turn, on both stores. The figure of a record is the
slope between the stores, so that no start-up is in it. SMALL and LARGE are data directories, as
`python -m benchmarks.big_store` makes them.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from benchmarks.fingerprints import Bench

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


def check_all(store: Path) -> None:
    """Let SQLite check the whole file, and FTS5 its index, which wants a copy that may be written."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        copy = Path(folder) / "copy.sqlite3"
        shutil.copyfile(store / "chroma.sqlite3", copy)
        connection = sqlite3.connect(copy, isolation_level=None)
        connection.execute("PRAGMA integrity_check").fetchall()
        connection.execute(
            "INSERT INTO embedding_fulltext_search(embedding_fulltext_search)"
            " VALUES('integrity-check')"
        )


# the processor time of the main thread beside that of the process
OURS = """
import runpy, sys, time
place = sys.argv.pop(1)
try:
    runpy.run_module("chromadrill", run_name="__main__", alter_sys=True)
finally:
    with open(place, "w") as file:
        file.write(str(time.thread_time()))
"""


class Slopes(NamedTuple):
    """Microseconds that one more record costs: processor time, of which `main_thread`, and the clock."""

    limit: float
    checks: float
    ours: float
    main_thread: float
    clock: float
    peak_mb: float
    peak_of_small_mb: float

    @property
    def detail(self) -> dict[str, float]:
        return {name: round(value, 1) for name, value in self._asdict().items()}


def measure(small: Path, large: Path, rounds: int = ROUNDS) -> Slopes:
    """Both sides on both stores, in turn; medians of the rounds."""
    records = _count(large) - _count(small)
    slopes: list[list[float]] = []
    peaks = {small: 0.0, large: 0.0}
    for _ in range(rounds):
        sides = []
        for store in (small, large):
            costs = [
                cost(["-m", "benchmarks.at_rest", side, str(store)])
                for side in ("--limit", "--checks")
            ]
            ours, main_thread_s = _fingerprint(store)
            peaks[store] = max(peaks[store], ours.peak_mb)
            sides.append([*(one.processor_s for one in costs),
                          ours.processor_s, main_thread_s, ours.clock_s])  # fmt: skip
        slopes.append([
            (many - few) / records * 1e6 for few, many in zip(*sides, strict=True)
        ])  # fmt: skip
    return Slopes(*map(median, zip(*slopes, strict=True)), peaks[large], peaks[small])


def _fingerprint(store: Path) -> tuple[Cost, float]:
    """What our command costs, and the processor seconds of its main thread."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        place = Path(folder) / "main-thread"
        spent = cost([
            "-c", OURS, str(place), "fingerprint", "--path", str(store),
            "--output", f"{folder}/fingerprint",
        ])  # fmt: skip
        return spent, float(place.read_text())


def _count(store: Path) -> int:
    uri = f"file:{store / 'chroma.sqlite3'}?mode=ro&immutable=1"
    return int(
        sqlite3.connect(uri, uri=True).execute("SELECT count(*) FROM embeddings").fetchone()[0]
    )


@contextmanager
def stores(small: int = SMALL, large: int = LARGE) -> Iterator[tuple[Path, Path]]:
    """Make a small and a large store; removed afterwards."""
    from benchmarks.big_store import make_store

    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        paths = (Path(folder) / "small", Path(folder) / "large")
        for path, records in zip(paths, (small, large), strict=True):
            make_store(path, records)
        yield paths


@cache
def _measured(bench: Bench) -> Slopes:
    """All rows of the table are of the same runs."""
    with nullcontext(bench.stores) if bench.stores else stores() as (small, large):
        return measure(small, large, bench.rounds)


def bare_ratio(bench: Bench) -> Ratio:
    """Processor time of a record without SQLite's own checks, to that of the limit without them."""
    slopes = _measured(bench)
    return (slopes.ours - slopes.checks) / slopes.limit, slopes.detail


def whole_ratio(bench: Bench) -> Ratio:
    """The same with SQLite's own checks on both sides."""
    slopes = _measured(bench)
    return slopes.ours / (slopes.limit + slopes.checks), {}


def two_cores(bench: Bench) -> Ratio:
    """One core's time to that of two: all processor time to that of the thread that takes longest.

    It is what the clock says where nothing else runs, and no other process changes it.
    """
    slopes = _measured(bench)
    return slopes.ours / max(slopes.main_thread, slopes.ours - slopes.main_thread), {}


def memory(bench: Bench) -> Ratio:
    slopes = _measured(bench)
    return slopes.peak_mb / slopes.peak_of_small_mb, {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.at_rest", description=__doc__)
    parser.add_argument("--limit", action="store_true", help="do what cannot be left out, once")
    parser.add_argument("--checks", action="store_true", help="let SQLite check it, once")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("stores", nargs="+", type=Path)
    args = parser.parse_args()
    if args.limit:
        touch_all(args.stores[0])
    elif args.checks:
        check_all(args.stores[0])
    else:
        slopes = measure(*args.stores, rounds=args.rounds)
        sys.stdout.write(
            f"{(slopes.ours - slopes.checks) / slopes.limit:.2f} x the limit,"
            f" {slopes.ours / (slopes.limit + slopes.checks):.2f} x with SQLite's checks on both"
            f" sides  {slopes.detail}\n"
        )
