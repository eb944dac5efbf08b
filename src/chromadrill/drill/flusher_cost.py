"""What a flusher costs clients: the same client on one server, in turns without it and with it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from chromadrill.core.clock import now
from chromadrill.core.model import JSON, Verdict
from chromadrill.drill.power_cut import new_collection, server_on, writer_of
from chromadrill.targets.disk.cut_disk import cut_disk

TURNS, TURN_S = 4, 2.0


def flusher_cost(
    flusher: Callable[[Path], AbstractContextManager[object]],
) -> tuple[list[JSON], Verdict]:
    """A row of the table without the flusher and one with it, and whether both were measured."""
    calls: dict[str, list[float]] = {"nothing": [], "flusher": []}
    records, seconds = dict.fromkeys(calls, 0), dict.fromkeys(calls, 0.0)
    with cut_disk() as disk, server_on(disk) as target:
        for turn in range(2 * TURNS):
            name = "flusher" if turn % 2 else "nothing"
            writes = new_collection(target.url, f"turn-{turn}")  # each begins with an empty index
            beside = flusher(target.data) if turn % 2 else nullcontext()
            with beside:
                began = now()
                with writer_of(target.url, writes, pause_s=0.0) as writer:
                    time.sleep(TURN_S)
                seconds[name] += now() - began
            calls[name] += writer.calls_ms
            records[name] += len(writer.acknowledged)
    rows = [
        {
            "beside": name,
            "turns": TURNS,
            "calls": len(milliseconds),
            "records_per_s": round(records[name] / seconds[name]),
            "p50_ms": _percentile(milliseconds, 50),
            "p99_ms": _percentile(milliseconds, 99),
            "load": round(os.getloadavg()[0], 1),
        }
        for name, milliseconds in calls.items()
    ]
    without, beside_it = rows
    sentence = (
        f"{without['records_per_s']} records a second without it, {beside_it['records_per_s']} with;"
        f" p50 {without['p50_ms']} ms and {beside_it['p50_ms']} ms,"
        f" p99 {without['p99_ms']} ms and {beside_it['p99_ms']} ms"
    )
    make = Verdict.passed if all(calls.values()) else Verdict.unknown
    return rows, make("cost of the flusher", sentence)


def _percentile(milliseconds: list[float], share: float) -> float | None:
    return round(float(np.percentile(milliseconds, share)), 1) if milliseconds else None
