"""The row of restores: a volume put back until it answers, against `cp -a` and a start.

Ours compares the backup with its checksums before it empties the volume, and flushes what it wrote.
"""

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
    """Processor seconds of ours and of the server, to the first answer of a query."""
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
            cp = shutil.which("cp") or "/bin/cp"
            subprocess.run([cp, "-a", source, str(target.data)], check=True)

        ways = {"ours": ours, "bare": bare}
        rounds = [
            {name: _until_answer(bench, put_back) for name, put_back in ways.items()}
            for _ in range(ROUNDS)
        ]
    processor_s, clock_s = (
        {name: median(one[name][place] for one in rounds) for name in ways} for place in (0, 1)
    )
    return processor_s["ours"] / processor_s["bare"], {
        **{f"{name}_s": round(value, 2) for name, value in processor_s.items()},
        **{f"{name}_clock_s": round(value, 2) for name, value in clock_s.items()},
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
