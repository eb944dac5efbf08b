"""The rows of whole commands, each in a process of its own, as a user types it.

Processor time counts, of that process alone: the server is another one. It is a slope, between a part
of the records and all of them, so that start-up is not in it: the part has more than 5,000 records, and
so as many self-queries as all of them. Both sides are in the same run. The best peer's rate
alone was measured once, by the clock, of 5,000 x 384, with start-up and all: ours beside it, too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks.fingerprints import Bench, Ratio
from chromadrill.core.model import Scope

PEER_PER_S = 1_090  # cdp 0.0.12, the fastest exporter that works with 1.5.9 at all, on two cores
PART = Scope("default_tenant", "part")
LEAST_PART = 6_000  # records
_USAGE = """
import resource, runpy, sys, time
started = time.perf_counter()
try:
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = time.perf_counter() - started
    print(usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss, file=sys.stderr)
"""


@dataclass(frozen=True)
class Cost:
    """What one process took: processor time, time by the clock, and its memory at most.

    `server_s`: the server's processor time meanwhile.
    """

    cpu_s: float
    clock_s: float
    peak_mb: float
    server_s: float = 0.0


@dataclass(frozen=True)
class Costs:
    """One command on all records, and on a part of them; `more`: by how many records they differ."""

    all: Cost
    part: Cost
    more: int

    @property
    def us_a_record(self) -> float:
        """Microseconds of processor time that one more record costs."""
        return (self.all.cpu_s - self.part.cpu_s) / self.more * 1e6


def live_fingerprint(bench: Bench) -> Ratio:
    return _against(bench, "fingerprint", "bare")


def validation(bench: Bench) -> Ratio:
    return _against(bench, "validate", "fingerprint")


def whole_export(bench: Bench) -> Ratio:
    return _against(bench, "backup", "bare")


def export_rate(bench: Bench) -> Ratio:
    """Records a second by the clock, start-up and all, of the best peer's, measured alike."""
    export = _costs(bench)["backup"].all
    own_and_server_s = export.cpu_s + export.server_s
    return bench.records / export.clock_s / PEER_PER_S, {
        "records_per_s": round(bench.records / export.clock_s),
        "as_on_one_core": round(bench.records / own_and_server_s),
        "clock_s": round(export.clock_s, 1),
    }


def memory(bench: Bench) -> Ratio:
    """The largest growth of a command's peak, from a part of the records (a tenth of many) to all."""
    costs = {name: one for name, one in _costs(bench).items() if name != "bare"}
    peaks = {f"{name}_mb": round(one.all.peak_mb) for name, one in costs.items()}
    return max(one.all.peak_mb / one.part.peak_mb for one in costs.values()), peaks


def peak(bench: Bench) -> Ratio:
    """The largest peak of a command, in MB."""
    costs = _costs(bench)
    return max(one.all.peak_mb for name, one in costs.items() if name != "bare"), {}


def _against(bench: Bench, ours: str, limit: str) -> Ratio:
    costs = _costs(bench)
    one, other = costs[ours], costs[limit]
    return one.us_a_record / other.us_a_record, {
        "us_a_record": round(one.us_a_record, 1),
        "limit_us": round(other.us_a_record, 1),
        "cpu_s": round(one.all.cpu_s, 2),
        "clock_s": round(one.all.clock_s, 1),
        "peak_mb": round(one.all.peak_mb),
    }


@cache
def _costs(bench: Bench) -> dict[str, Costs]:
    """Every command on both scopes. All rows share one measurement."""
    _add_part(bench)
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        sides = {scope: _measure(bench, scope, Path(folder)) for scope in (Scope(), PART)}
    return {
        name: Costs(cost, sides[PART][name], bench.records - _part(bench))
        for name, cost in sides[Scope()].items()
    }


def _measure(bench: Bench, scope: Scope, folder: Path) -> dict[str, Cost]:
    url, place = bench.target.url, ("--scope", str(scope))
    before, export = (folder / f"{scope.database}.{kind}" for kind in ("fingerprint", "parquet"))
    named = ("--collection-name", bench.info.name)
    read = ("chromadrill", "fingerprint", "--url", url, *place, "--output", str(before))
    save = ("backup", "--url", url, *place, *named, "--output-file", str(export))
    load = ("restore", "--url", url, "--input-file", str(export), "--into", "again")

    def ask(*words: str) -> Cost:
        before_s = processor_s(bench.target.pid())
        cost = _cost(*words)
        return replace(cost, server_s=processor_s(bench.target.pid()) - before_s)

    def import_again() -> Cost:
        cost = _cost("chromadrill", *load)
        bench.chroma.delete_collection(scope, "again")
        return cost

    costs = _medians({
        "bare": lambda: ask("benchmarks.bare_pager", url, str(scope), bench.info.name),
        "fingerprint": lambda: ask(*read),
        "backup": lambda: ask("chromadrill", *save),
    }, bench.rounds)  # fmt: skip
    if not bench.stores:  # it fills an index, which takes minutes
        costs |= _medians({"restore": import_again}, 1)
    data = folder / "data"
    if not data.exists():
        bench.target.stop()
        shutil.copytree(bench.target.data, data)
        bench.target.start()
    check = ("validate", "--path", str(data), *place, "--all", "--serve")
    validate = ("chromadrill", *check, "--fingerprint", str(before))
    return costs | _medians({"validate": lambda: _cost(*validate)}, 1)


def _medians(sides: dict[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """The median cost of each, measured in turn."""
    runs = [{name: measure() for name, measure in sides.items()} for _ in range(rounds)]
    return {name: _median([run[name] for run in runs]) for name in sides}


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        median(cost.cpu_s for cost in costs),
        median(cost.clock_s for cost in costs),
        max(cost.peak_mb for cost in costs),
        median(cost.server_s for cost in costs),
    )


def _cost(*words: str) -> Cost:
    command = [sys.executable, "-c", _USAGE, *words]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: {process.stdout[-2000:]}{process.stderr[-2000:]}")
    cpu_s, clock_s, peak = process.stderr.split()[-3:]
    unit = 1024 if sys.platform == "darwin" else 1
    return Cost(float(cpu_s), float(clock_s), int(peak) / 1024 / unit)


def processor_s(pid: int | None) -> float:
    """Return the processor seconds of a running process so far, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _part(bench: Bench) -> int:
    return max(LEAST_PART, bench.records // 10)


def _add_part(bench: Bench) -> None:
    """Some of the records in a database of its own, so that a fingerprint of it is of them alone."""
    bench.chroma.create_database(PART)
    info = bench.chroma.create_collection(PART, bench.info.name, hnsw={"space": "cosine"})
    pages = islice(bench.chroma.pages(bench.info, size=1000), _part(bench) // 1000)
    for page in pages:
        bench.chroma.upsert(
            info,
            ids=page.ids,
            vectors=page.vectors,
            documents=page.documents,
            metadatas=page.metadatas,
        )
