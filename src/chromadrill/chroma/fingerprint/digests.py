"""Digests of records: typed, one a field, the same whether read via HTTP or from files."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import orjson
import pyarrow as pa

from chromadrill.core.model import JSON, Page
from chromadrill.core.records.streams import Records, RecordsInMemory

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
# not `RECORDS.empty_table()`: that imports pandas, where there is one, with every command
NO_RECORDS: Records = RecordsInMemory(pa.Table.from_batches([], RECORDS))


_HASHER = hashlib.blake2b(
    digest_size=DIGEST_BYTES
)  # copied: a new one parses its options each time


def digest(data: bytes | memoryview) -> bytes:
    """Return BLAKE2b-128 of the data, 16 bytes."""
    hasher = _HASHER.copy()
    hasher.update(data)
    return hasher.digest()


def canonical(value: JSON | None) -> str | None:
    """Return JSON text with sorted keys, which keeps 1, 1.0, "1" and true apart; None for None.

    An empty object gives None too: the server answers null for a record without metadata.
    """
    if not value:
        return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def record_table(page: Page) -> pa.Table:
    """Return a row of digests for each record of a page (schema RECORDS), in the page's order."""
    vectors = np.ascontiguousarray(page.vectors, dtype="<f4")
    lost = None
    if page.without_vector:
        lost = np.zeros(len(vectors), bool)
        lost[list(page.without_vector)] = True
    flat = pa.array(sketch(vectors).reshape(-1))
    columns = [
        pa.array(page.ids, pa.string()),
        _text_digests(page.documents),
        pa.array([None if text is None else len(text) for text in page.documents], pa.int32()),
        pa.array([canonical(metadata) for metadata in page.metadatas], pa.string()),
        _text_digests(page.uris),
        pa.array(_row_digests(vectors), pa.binary(DIGEST_BYTES), mask=lost),
        pa.FixedSizeListArray.from_arrays(
            flat, type=RECORDS.field("sketch").type, mask=None if lost is None else pa.array(lost)
        ),
    ]
    return pa.Table.from_arrays(columns, schema=RECORDS)


def _text_digests(texts: Sequence[str | None]) -> pa.Array:
    digests = [
        None if text is None else digest(text.encode("utf-8", "surrogatepass")) for text in texts
    ]
    return pa.array(digests, pa.binary(DIGEST_BYTES))


def _row_digests(vectors: np.ndarray) -> np.ndarray:
    """The digest of the bytes of each row, as an array of objects."""
    rows = np.full(len(vectors), digest(b""), object)
    if vectors.size:
        bytes_of_rows = struct.iter_unpack(f"{vectors.strides[0]}s", vectors.reshape(-1).data)
        rows[:] = [digest(row) for (row,) in bytes_of_rows]
    return rows


def sketch(vectors: np.ndarray) -> np.ndarray:
    """Project vectors, float32 (n, dimension), onto 8 fixed sign vectors: float32 (n, 8).

    The difference of two sketches estimates the norm of the difference of the vectors. So a drift of
    an ulp can be told from another vector without keeping either.
    """
    with np.errstate(all="ignore"):  # a damaged vector may hold NaN or 1e300; its digest says so
        projected: np.ndarray = vectors.astype(np.float64) @ _signs(vectors.shape[1])
        return projected.astype(np.float32)


@lru_cache(maxsize=16)
def _signs(dimension: int) -> np.ndarray:
    # from a hash, not from a random generator: the same for every version of numpy, for ever
    bits = np.frombuffer(hashlib.shake_256(b"chromadrill sketch 1").digest(dimension), np.uint8)
    return np.unpackbits(bits[:, None], axis=1).astype(np.float64) * 2 - 1
