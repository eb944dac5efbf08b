"""The row of workers: documents a second that two of them embed and one writes, against one worker's."""

from __future__ import annotations

import hashlib
import os
import time
from statistics import median

from benchmarks.fingerprints import Bench, Ratio
from chromadrill.core.model import Scope
from chromadrill.recovery.fill import Filler
from chromadrill.recovery.scaling import CostlessModel
from chromadrill.recovery.sources.rows import Row
from chromadrill.recovery.workers.plan import DOCUMENTS, WorkerPlan
from chromadrill.recovery.workers.tasks import WorkerSetup
from chromadrill.workload.data.labelled_questions import library

TASKS, ROUNDS = 10, 2
TURNS = 130_000  # of a hash: about 25 ms of a core, as the default model takes for a short document


class BusyModel(CostlessModel):
    """A stand-in that keeps one core busy for each document, and needs no weights."""

    def embed(self, texts):  # type: ignore[no-untyped-def]
        for text in texts:
            hashlib.pbkdf2_hmac("sha256", text.encode(), b"", TURNS)
        return super().embed(texts)


class UncheckedSource:
    """Rows that are at hand: what is measured is embedding and writing."""

    name = "memory"

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def count(self) -> int:
        return len(self._rows)

    def rows(self):  # type: ignore[no-untyped-def]
        yield self._rows

    def holds(self, ids):  # type: ignore[no-untyped-def]
        return set(ids)


def two_workers(bench: Bench) -> Ratio:
    """Processor-bound: two workers embed so many times as many documents a second as one."""
    content = library(DOCUMENTS * TASKS)
    rows = [Row(*row) for row in zip(content.ids, content.texts, strict=True)]
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for count, measured in rates.items():
            measured.append(_documents_per_s(bench, rows, count))
    one, two = median(rates[1]), median(rates[2])
    return two / one, {
        "one_per_s": round(one, 1),
        "two_per_s": round(two, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _documents_per_s(bench: Bench, rows: list[Row], count: int) -> float:
    """With the workers running and warm: their start is seconds of a rebuild, not of each document."""
    name = f"workers-{count}"
    info = bench.chroma.create_collection(Scope(), name, hnsw={"space": "cosine"})
    model = BusyModel(384)
    with WorkerPlan(count, WorkerSetup(load)).step(model, 0.9999) as step:
        warm = [Row(f"warm-{n}", f"warm {n}") for n in range(8 * count)]
        for at in range(0, len(warm), 4):
            list(step.put(warm[at : at + 4], None))
        list(step.rest())
        source = UncheckedSource(rows)
        filler = Filler(bench.chroma, source, model, None, info, DOCUMENTS, step=step)
        started = time.perf_counter()
        for batch in source.rows():
            filler.fill(info, batch, lambda done: None)
        filler.finish(info, lambda done: None)
        seconds = time.perf_counter() - started
    assert bench.chroma.count(info) == len(rows)
    bench.chroma.delete_collection(Scope(), name)
    return len(rows) / seconds


def load() -> BusyModel:
    """What each worker loads. In a session of its own: Linux shares out cores among sessions.

    On a busy machine two workers would otherwise have one share of it between them.
    """
    os.setsid()
    return BusyModel(384)
