"""Raw samples: one row an arrival, kept as they are and written as Parquet.

Percentiles come from these alone, whichever process took them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from chromadrill.core.model import Window
from chromadrill.workload.timeline import add_window


class LoadSample(NamedTuple):
    """Seconds since the run's begin: intended start, actual start, answer (or given up).

    `outcome` is right, wrong, error or timeout.
    """

    number: int
    worker: int
    operation: str
    due: float
    started: float
    done: float
    outcome: str
    detail: str = ""

    @property
    def latency_ms(self) -> float:
        return 1000 * (self.done - self.due)

    @property
    def service_ms(self) -> float:
        return 1000 * (self.done - self.started)

    @property
    def is_timed(self) -> bool:
        """Whether its latency counts: a wrong answer or an error is none, however fast."""
        return self.outcome in ("right", "timeout")


SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("worker", pa.int32()),
        ("operation", pa.string()),
        ("due", pa.float64()),
        ("started", pa.float64()),
        ("done", pa.float64()),
        ("outcome", pa.string()),
        ("detail", pa.string()),
    ]
)


def merge(chunks: Iterable[Iterable[Sequence[object]]]) -> list[LoadSample]:
    """All workers' samples by arrival; a chunk that came twice counts once."""
    samples: dict[int, LoadSample] = {}
    for chunk in chunks:
        for row in chunk:
            sample = LoadSample(*row)  # type: ignore[arg-type]
            samples.setdefault(sample.number, sample)
    return [samples[number] for number in sorted(samples)]


def write(samples: Sequence[LoadSample], path: Path) -> None:
    arrays = [pa.array([row[at] for row in samples], f.type) for at, f in enumerate(SCHEMA)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), path, compression="zstd")


def read(path: Path) -> list[LoadSample]:
    rows = pq.read_table(path).to_pylist()
    return [LoadSample(**row) for row in rows]


def failure_windows(samples: Sequence[LoadSample]) -> list[Window]:
    """Stretches without right answers (error, wrong or timeout), in seconds of the run.

    By intended start; a stretch lasts until the first arrival after it, else to its last answer.
    """
    stretches: list[Window] = []
    for sample in sorted(samples, key=lambda sample: sample.due):
        add_window(stretches, Window(sample.due, sample.done, sample.outcome))
    return [window for window in stretches if window.result != "right"]
