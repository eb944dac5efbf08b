"""Raw samples: one row an arrival, kept as they are and written as Parquet.

Percentiles come from these alone, whichever process took them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq


class Sample(NamedTuple):
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
    def timed(self) -> bool:
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


def merged(chunks: Iterable[Iterable[Sequence[object]]]) -> list[Sample]:
    """All workers' samples by arrival; a chunk that came twice counts once."""
    found: dict[int, Sample] = {}
    for chunk in chunks:
        for row in chunk:
            sample = Sample(*row)  # type: ignore[arg-type]
            found.setdefault(sample.number, sample)
    return [found[number] for number in sorted(found)]


def write(samples: Sequence[Sample], path: Path) -> None:
    arrays = [pa.array([row[at] for row in samples], f.type) for at, f in enumerate(SCHEMA)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), path, compression="zstd")


def read(path: Path) -> list[Sample]:
    rows = pq.read_table(path).to_pylist()
    return [Sample(**row) for row in rows]


def windows(samples: Sequence[Sample]) -> list[tuple[float, float, str]]:
    """Stretches without right answers: from, to (seconds of the run), error, wrong or timeout.

    By intended start; a stretch lasts until the first arrival after it, else to its last answer.
    """
    found: list[tuple[float, float, str]] = []
    before = "right"
    for each in sorted(samples, key=lambda sample: sample.due):
        if found and before != "right":
            found[-1] = (found[-1][0], each.due, before)
        if each.outcome != "right":
            if each.outcome == before:
                found[-1] = (found[-1][0], each.done, before)
            else:
                found.append((each.due, each.done, each.outcome))
        before = each.outcome
    return found
