"""Digests of records: typed, per field, the same whether read over HTTP or from files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import orjson
import pyarrow as pa

from chromadrill.core.model import JSON, Page

DIGEST_BYTES = 16
SKETCH_WIDTH = 8
RECORDS = pa.schema(
    [
        ("id", pa.string()),
        ("document", pa.binary(DIGEST_BYTES)),
        ("document_length", pa.int32()),
        ("metadata", pa.string()),
        ("uri", pa.binary(DIGEST_BYTES)),
        ("vector", pa.binary(DIGEST_BYTES)),
        ("sketch", pa.list_(pa.float32(), SKETCH_WIDTH)),
    ]
)


def digest(data: bytes | memoryview) -> bytes:
    """BLAKE2b-128."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def text_digest(text: str | None) -> bytes | None:
    return None if text is None else digest(text.encode("utf-8", "surrogatepass"))


def canonical(value: JSON | None) -> str | None:
    """JSON text with sorted keys, which keeps 1, 1.0, "1" and true apart; None stays None.

    An empty object is None too: the server answers null for a record without metadata.
    """
    if not value:
        return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def record_table(page: Page) -> pa.Table:
    """One row of digests for each record of a page (schema RECORDS), in the page's order."""
    vectors = np.ascontiguousarray(page.vectors, dtype="<f4")
    rows: list[bytes | None] = [digest(memoryview(row)) for row in vectors]
    sketches: list[np.ndarray | None] = list(sketch(vectors))
    for at in page.without_vector:
        rows[at] = sketches[at] = None
    columns = [
        pa.array(page.ids, pa.string()),
        pa.array([text_digest(each) for each in page.documents], pa.binary(DIGEST_BYTES)),
        pa.array([None if d is None else len(d) for d in page.documents], pa.int32()),
        pa.array([canonical(each) for each in page.metadatas], pa.string()),
        pa.array([text_digest(each) for each in page.uris], pa.binary(DIGEST_BYTES)),
        pa.array(rows, pa.binary(DIGEST_BYTES)),
        pa.array(sketches, RECORDS.field("sketch").type),
    ]
    return pa.Table.from_arrays(columns, schema=RECORDS)


def sketch(vectors: np.ndarray) -> np.ndarray:
    """Project (n, dim) float32 onto 8 fixed sign vectors: float32 (n, 8).

    The difference of two sketches estimates the norm of the difference of the vectors, so a drift
    of an ulp can be told from another vector without keeping either.
    """
    with np.errstate(all="ignore"):  # a damaged vector may hold NaN or 1e300; its digest says so
        projected: np.ndarray = vectors.astype(np.float64) @ _signs(vectors.shape[1])
        return projected.astype(np.float32)


@lru_cache(maxsize=16)
def _signs(dimension: int) -> np.ndarray:
    # from a hash, not from a random generator: the same for every version of numpy, for ever
    bits = np.frombuffer(hashlib.shake_256(b"chromadrill sketch 1").digest(dimension), np.uint8)
    return np.unpackbits(bits[:, None], axis=1).astype(np.float64) * 2 - 1


def set_digest(ids: Iterable[str]) -> list[object]:
    """[count, digest] of a set of ids, whatever their order; additive, so it can be streamed."""
    total = IdSet()
    total.add(ids)
    return total.value()


class IdSet:
    """A set of ids as a count and a sum of 64-bit hashes: flat memory, no order."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, ids: Iterable[str]) -> None:
        for each in ids:
            self.count += 1
            hashed = hashlib.blake2b(each.encode("utf-8", "surrogatepass"), digest_size=8)
            self._sum += int.from_bytes(hashed.digest(), "little")

    def value(self) -> list[object]:
        return [self.count, f"{self._sum & (1 << 64) - 1:016x}"]
