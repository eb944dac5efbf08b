"""A client that keeps writing, and a ledger of every write that was acknowledged."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Acknowledged, CollectionInfo, Page, ProbeResult

BATCH = 5
DIMENSION = 8
RANDOM_DIMENSION = 32
PAUSE_S = 0.01  # between two calls
CHANGE = 1_000_000  # added to the value of a record at each change of it

Vectors = Callable[[int], Sequence[float] | np.ndarray]  # of record number N


class Writer:
    """Upserts batches of new records into one collection until it is stopped.

    Only what the server answered 200 to is acknowledged. An error is not "not written": the batch
    in flight may be there afterwards (measured). `calls_ms`: how long each acknowledged call took.
    """

    def __init__(
        self,
        url: str,
        collection: CollectionInfo,
        *,
        dimension: int = DIMENSION,
        batch: int = BATCH,
        pause_s: float = PAUSE_S,
        vectors: Vectors | None = None,
    ) -> None:
        self._url, self._collection = url, collection
        self._batch, self._pause_s = batch, pause_s
        self._vectors = vectors or functools.partial(vector_of, dimension=dimension)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[ProbeResult] = []
        self.calls_ms: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def wait_for(self, writes: int) -> None:
        """Return when `writes` records are acknowledged; raises Unavailable after 30 s."""
        wait_until(
            lambda: len(self.acknowledged) >= writes,
            within_s=30,
            name=f"{writes} acknowledged writes",
        )

    def first_refused(self, since: float) -> ProbeResult | None:
        """The first write begun after `since` that was not acknowledged; None: none within 30 s."""
        try:
            return wait_until(
                lambda: next((result for result in self.refused if result.due >= since), None),
                within_s=30,
                name="a refused write",
            )
        except Unavailable:
            return None

    def _write(self) -> None:
        with Chroma(self._url, timeout_s=10) as chroma:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                batch = self._batch_of(number)
                due = now()
                try:
                    self._send(chroma, batch)
                except CallFailed as error:
                    result = "timeout" if error.is_timeout else "error"
                    self.refused.append(ProbeResult(due, now(), result, str(error)[:200]))
                    self._stop.wait(0.05)  # the server is gone: keep trying, as a client does
                    continue
                at = time.time()
                self.calls_ms.append(1000 * (now() - due))
                self.acknowledged += [replace(write, at=at) for write in batch]
                self._stop.wait(self._pause_s)

    def _batch_of(self, call: int) -> list[Acknowledged]:
        """What call number `call` writes."""
        rows = range(call * self._batch, (call + 1) * self._batch)
        return [new_write(row, self._collection) for row in rows]

    def _send(self, chroma: Chroma, batch: Sequence[Acknowledged]) -> None:
        """Write them. Raises CallFailed: then they are not acknowledged."""
        vectors = [self._vectors(write.value) for write in batch]
        upsert(chroma, self._collection, batch, vectors)


def new_write(value: int, collection: CollectionInfo) -> Acknowledged:
    """The record of that value as it is written, at this moment."""
    document = f"acknowledged write number {value}"
    return Acknowledged(time.time(), collection.key, id_of(value), document, value)


def id_of(value: int) -> str:
    """The record that has this value: `value` counts the records, and in millions their changes."""
    return f"write-{value % CHANGE:06d}"


def upsert(
    chroma: Chroma,
    collection: CollectionInfo,
    batch: Sequence[Acknowledged],
    vectors: Sequence[Sequence[float] | np.ndarray] | np.ndarray,
) -> None:
    """Write them, each with its vector. Raises CallFailed: then they are not acknowledged."""
    chroma.upsert(
        collection,
        ids=[write.id for write in batch],
        vectors=np.asarray(vectors, np.float32),
        documents=[write.document for write in batch],
        metadatas=[{"value": write.value} for write in batch],
    )


def read_complete_writes(chroma: Chroma, collection: CollectionInfo) -> dict[str, int]:
    """`complete_writes` of a collection of a running server. Raises CallFailed."""
    return complete_writes(chroma.pages(collection))


def complete_writes(
    pages: Iterable[Page], *, dimension: int | None = None, vectors: Vectors | None = None
) -> dict[str, int]:
    """The writes that are there whole: id -> value, where document, value and id agree.

    `dimension`: the vector, too, must be the one that Writer wrote; `vectors`: the one of these.
    """
    if dimension is not None and vectors is None:
        vectors = functools.partial(vector_of, dimension=dimension)
    complete: dict[str, int] = {}
    for page in pages:
        for row, record in enumerate(page.ids):
            value = (page.metadatas[row] or {}).get("value", -1)
            if (
                record == id_of(value)
                and page.documents[row] == f"acknowledged write number {value}"
                and row not in page.without_vector
                and (vectors is None or np.array_equal(page.vectors[row], vectors(value)))
            ):
                complete[record] = value
    return complete


def vector_of(row: int, dimension: int) -> list[float]:
    """The vector that Writer writes record `row` with."""
    return [float((row * step) % 97) for step in range(1, dimension + 1)]


def random_vector(row: int) -> np.ndarray:
    """Another vector for every record, float32 of shape (32,): each record finds itself alone."""
    return np.random.default_rng(row).standard_normal(RANDOM_DIMENSION, np.float32)
