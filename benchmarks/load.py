"""The row of load: what the load generator itself adds to a search, against a bare httpx loop."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx

from benchmarks.fingerprints import Bench, Ratio
from chromadrill.core.model import Scope
from chromadrill.workload.load import requests, samples
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.self_queries import self_queries

LOCUSTFILES = Path(__file__).parents[1] / "loadtests"
RATE, SECONDS, ROUNDS = 50.0, 10, 3  # the rate of the profile `steady`
SHARE, FLOOR_MS = 0.1, 1.0  # what the generator may add: the larger of the two


def overhead(bench: Bench) -> Ratio:
    """What p50 of our service time has over bare httpx's, as a share of what it may have.

    The two take turns on the same questions at the same rate, so that a drift of the machine hits
    both.
    """
    searches = [
        requests.search(question, bench.info)
        for question in self_queries(bench.chroma, [Scope()], QUESTIONS).right
    ]
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        bare += run_bare_loop(bench.target.url, searches)
        ours += run_locust(bench.target.url)
    one, other = median(ours), median(bare)
    allowed = max(SHARE * other, FLOOR_MS)
    numbers = {"ours_ms": round(one, 2), "bare_ms": round(other, 2), "samples": len(ours)}
    return (one - other) / allowed, {**numbers, "allowed_ms": round(allowed, 2)}


def run_bare_loop(url: str, searches: list[requests.LoadRequest]) -> list[float]:
    """Milliseconds of each search of a bare loop on one connection."""
    took = []
    headers = {"content-type": "application/json"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
        begin = time.monotonic()
        for number in range(int(RATE * SECONDS)):
            request = searches[number % len(searches)]
            time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            started = time.perf_counter()
            http.post(request.path, content=request.body).raise_for_status()
            took.append(1000 * (time.perf_counter() - started))
    return took


def run_locust(url: str) -> list[float]:
    """The same of a real run of the profile `steady`, from its raw samples."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        result = Path(folder) / "r.json"
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILES), "--headless",
                 "--only-summary", "--host", url, "--profile", "steady",
                 "--run-time", f"{SECONDS}s", "--result", str(result)]  # fmt: skip
        subprocess.run(command, check=False, capture_output=True)
        raw = samples.read(result.with_suffix(".parquet"))
    assert {sample.outcome for sample in raw} == {"right"}, "the run had errors"
    return [sample.service_ms for sample in raw]
