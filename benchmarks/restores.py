"""The row of restores: a volume put back until it answers, against `cp -a` and a start."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.commands import processor_s
from benchmarks.fingerprints import DIMENSION, Bench, Ratio
from chromadrill.backups import catalog, volume_copy
from chromadrill.backups.files import copy_tree, empty
from chromadrill.chroma.fingerprint import at_rest

ROUNDS = 3


def first_answer(bench: Bench) -> Ratio:
    """Processor seconds of ours and of the server, to the first answer of a query.

    Ours first compares every file of the backup with its checksum.
    """
    target = bench.target
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        target.stop()
        place = Path(folder) / "backup"
        copy_tree(target.data, place / "data")
        before = at_rest.observe(place / "data").fingerprint
        catalog.describe(place, before, backup_id="backup", method=volume_copy.METHOD, source={})
        backup = catalog.open_backup(place)

        def ours() -> None:
            volume_copy.put_back(backup, target)

        def bare() -> None:
            empty(target.data)
            source = f"{place / 'data'}/."
            subprocess.run(
                [shutil.which("cp") or "/bin/cp", "-a", source, str(target.data)], check=True
            )

        sides: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
        for _ in range(ROUNDS):
            for name, put_back in (("ours", ours), ("bare", bare)):
                sides[name].append(_until_answer(bench, put_back))
    (ours_s, ours_clock_s), (bare_s, bare_clock_s) = (
        [median(column) for column in zip(*rounds, strict=True)] for rounds in sides.values()
    )
    return ours_s / bare_s, {
        "ours_s": round(ours_s, 2),
        "bare_s": round(bare_s, 2),
        "ours_clock_s": round(ours_clock_s, 2),
        "bare_clock_s": round(bare_clock_s, 2),
    }


def _until_answer(bench: Bench, put_back: Callable[[], None]) -> tuple[float, float]:
    """Processor seconds, and seconds, from the empty hands to the first neighbours."""
    bench.target.stop()
    before_s, started = _own_s(), time.perf_counter()
    put_back()
    bench.target.start()
    bench.chroma.query(bench.info, np.ones((1, DIMENSION), np.float32))
    spent_s = _own_s() - before_s + processor_s(bench.target.pid())
    return spent_s, time.perf_counter() - started


def _own_s() -> float:
    """Of this process, and of `cp`; the server's is read while it runs, its end is not waited for."""
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + child.ru_utime + child.ru_stime
