"""python -m benchmarks.big_store --records N --path D: a data directory of N x 384, by a real server.

The index is a light one (few neighbours, a short search while building), so that a million records take
some ten minutes instead of an hour. What a fingerprint reads of a record does not depend on it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.targets.process.target import ProcessTarget

DIMENSION = 384
BATCH = 1000
NAME = "bench"
LIGHT: JSON = {
    "space": "cosine", "ef_construction": 16, "max_neighbors": 8, "ef_search": 20,
    "sync_threshold": 10_000, "batch_size": 1000,
}  # fmt: skip


def make_store(path: Path, records: int) -> None:
    """Fill `path`, which must not exist, by a server of its own, which is stopped afterwards."""
    if path.exists():
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    target = ProcessTarget(path.with_name(f".{path.name}.home"), owner=os.getpid())
    try:
        target.start()
        with Chroma(target.url, timeout_s=300) as chroma:
            info = chroma.create_collection(Scope(), NAME, hnsw=LIGHT)
            for done in fill(chroma, info, records):
                if done % 50_000 == 0:
                    sys.stderr.write(f"{done} records, {time.process_time():.0f} s of our own\n")
        target.stop()
        target.data.rename(path)
    finally:
        target.remove()


def fill(chroma: Chroma, info: CollectionInfo, records: int) -> Iterator[int]:
    """Upsert records with documents, typed metadata and random vectors; yield how many are in."""
    rng = np.random.default_rng(0)
    for start in range(0, records, BATCH):
        rows = range(start, min(records, start + BATCH))
        chroma.upsert(
            info,
            ids=[f"record-{n:07d}" for n in rows],
            vectors=rng.normal(size=(len(rows), DIMENSION)).astype(np.float32),
            documents=[f"document {n} " + "lorem ipsum dolor " * 10 for n in rows],
            metadatas=[{"n": n, "half": n / 2, "even": n % 2 == 0} for n in rows],
        )
        yield rows.stop


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.big_store", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--path", type=Path, required=True)
    args = parser.parse_args()
    make_store(args.path, args.records)
