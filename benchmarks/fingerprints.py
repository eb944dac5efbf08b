"""The rows of fingerprints: live against bare paging, recall, size of the file."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import orjson
import pyarrow as pa

from benchmarks.at_rest import cost, stores
from benchmarks.bare_pager import PAGE
from benchmarks.big_store import NAME
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import fingerprint_file, server_answers
from chromadrill.chroma.fingerprint.digests import RECORDS
from chromadrill.chroma.fingerprint.grader import Grader
from chromadrill.core.model import CollectionInfo, CollectionPrint, Fingerprint, Scope
from chromadrill.core.records.streams import RecordsInMemory
from chromadrill.targets.process.target import ProcessTarget

ROUNDS = 3
DIMENSION = 384
Ratio = tuple[float, dict[str, float]]  # of ours to the bar's side, and the numbers behind it


@dataclass(frozen=True, eq=False)
class Bench:
    """A running server with one collection of `records` x 384 (cosine).

    `stores`: a small and a large data directory, where they are there already. `rounds`: how often each
    side is measured.
    """

    target: ProcessTarget
    chroma: Chroma
    info: CollectionInfo
    records: int
    stores: tuple[Path, Path] | None = None
    rounds: int = ROUNDS


@contextmanager
def server(records: int) -> Iterator[Bench]:
    """Fill a fresh server; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        target = ProcessTarget(Path(folder) / "home", owner=os.getpid())
        try:
            target.start()
            with Chroma(target.url, timeout_s=120) as chroma:
                info = chroma.create_collection(Scope(), "bench", hnsw={"space": "cosine"})
                rng = np.random.default_rng(0)
                words = [f"word{n:04d}" for n in range(5000)]
                for start in range(0, records, 1000):
                    rows = range(start, min(records, start + 1000))
                    chroma.upsert(
                        info,
                        ids=[f"record-{n:07d}" for n in rows],
                        vectors=rng.normal(size=(len(rows), DIMENSION)).astype(np.float32),
                        documents=[f"document {n} {' '.join(rng.choice(words, 25))}" for n in rows],
                        metadatas=[{"n": n, "half": n / 2, "even": n % 2 == 0} for n in rows],
                    )
                yield Bench(target, chroma, chroma.collection(Scope(), "bench"), records)
        finally:
            target.remove()


@contextmanager
def light_server(records: int) -> Iterator[Bench]:
    """Serve a large store of files (`big_store`), a small one beside it; each side measured once."""
    with (
        stores(large=records) as paths,
        tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder,
    ):
        target = ProcessTarget(Path(folder) / "home", owner=os.getpid())
        try:
            shutil.copytree(paths[1], target.data, dirs_exist_ok=True)
            target.start()
            with Chroma(target.url, timeout_s=300) as chroma:
                info = chroma.collection(Scope(), NAME)
                yield Bench(target, chroma, info, records, stores=paths, rounds=1)
        finally:
            target.remove()


def alternate(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, measured in turn after one warm-up each."""
    one()
    other()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for side, seconds in ((one, times[0]), (other, times[1])):
            started = time.perf_counter()
            side()
            seconds.append(time.perf_counter() - started)
    return median(times[0]), median(times[1])


def bare_paging(bench: Bench) -> None:
    """Sequential pages of the same records with httpx and orjson, nothing kept."""
    path = (
        f"/api/v2/tenants/{bench.info.tenant}/databases/{bench.info.database}"
        f"/collections/{bench.info.id}/get"
    )
    include = ["documents", "metadatas", "uris", "embeddings"]
    with httpx.Client(base_url=bench.target.url, timeout=120) as http:
        offset = 0
        while True:
            body = {"include": include, "limit": PAGE, "offset": offset}
            ids = orjson.loads(http.post(path, json=body).content)["ids"]
            offset += len(ids)
            if len(ids) < PAGE:
                return


def self_recall(bench: Bench) -> Ratio:
    grader = Grader(bench.info.space, [])
    for page in bench.chroma.pages(bench.info):
        grader.read(page)
    ids, vectors = grader.selves()

    def bare() -> None:
        for start in range(0, len(ids), server_answers.BATCH):
            bench.chroma.query(bench.info, vectors[start : start + server_answers.BATCH])

    def ours() -> None:
        server_answers.recall(
            bench.chroma, bench.info, (ids, vectors), [], lambda name, where: nullcontext()
        )

    one, other = alternate(ours, bare)
    return one / other, {"ours_s": round(one, 2), "bare_s": round(other, 2), "queries": len(ids)}


def million(bench: Bench) -> Ratio:
    """A synthetic fingerprint of a million records: its size, and the memory of writing it."""
    whole = _fingerprint_of_a_million(bench.info)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        started = time.perf_counter()
        fingerprint_file.save(whole, Path(folder) / "f")
        took = time.perf_counter() - started
        size = (Path(folder) / "f").stat().st_size
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return size / 1e6, {"write_s": round(took, 1), "more_memory_mb": round(grown / 1024, 1)}


def comparison(bench: Bench) -> Ratio:
    """Processor seconds of reading two fingerprints of a million records, and of comparing them."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        file = Path(folder) / "f"
        fingerprint_file.save(_fingerprint_of_a_million(bench.info), file)
        spent = cost(["-c", COMPARE, str(file)])
    return spent.processor_s, {"clock_s": spent.clock_s, "peak_mb": round(spent.peak_mb)}


COMPARE = """
import sys
from pathlib import Path
from chromadrill.checks.content import same_records
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.model import Observation, Outcome
before, after = (fingerprint_file.load(Path(sys.argv[1])) for _ in range(2))
verdict = same_records(Observation(after), before)
assert verdict.outcome is Outcome.PASS, verdict
assert verdict.actual == 1_000_000, verdict
"""


def _fingerprint_of_a_million(info: CollectionInfo) -> Fingerprint:
    rng = np.random.default_rng(0)
    batches = []
    for start in range(0, 1_000_000, 100_000):
        ids = [f"record-{n:07d}" for n in range(start, start + 100_000)]
        columns = [
            pa.array(ids),
            _random(rng, len(ids)),
            pa.array(np.full(len(ids), 800, np.int32)),
            pa.array([f'{{"half":{n / 2},"n":{n}}}' for n in range(start, start + 100_000)]),
            pa.nulls(len(ids), pa.binary(16)),
            _random(rng, len(ids)),
            pa.FixedSizeListArray.from_arrays(
                pa.array(rng.normal(size=8 * len(ids)).astype(np.float32)), 8
            ),
        ]
        batches.append(pa.record_batch(columns, schema=RECORDS))
    table = pa.Table.from_batches(batches, schema=RECORDS)
    collection = CollectionPrint(info, len(table), RecordsInMemory(table))
    return Fingerprint("2026-01-01T00:00:00Z", "live", {}, (Scope(),), (Scope(),),
                       {info.key: collection})  # fmt: skip


def _random(rng: np.random.Generator, rows: int) -> pa.Array:
    data = pa.py_buffer(rng.bytes(16 * rows))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, data])
