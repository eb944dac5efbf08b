"""The reader of an export of one collection in Parquet, verified as a whole before it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from chromadrill.backups.export import parquet_checksum
from chromadrill.backups.export.jsonl_reader import NEXT_STEP
from chromadrill.backups.export.types import SCHEMA, ExportRefused, counts_of, difference
from chromadrill.chroma.fingerprint.fingerprint_file import from_head
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import JSON, Fingerprint, Page

_COLUMNS = ["id", "document", "uri", "vector", "metadata"]


class ParquetReader:
    """A Reader of one Parquet file. Raises ExportRefused unless it is whole and unaltered."""

    fingerprint: Fingerprint
    sha256: str
    about: JSON

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.sha256 = parquet_checksum.verify(path)
            with self._open() as file:
                self._check(file.metadata)
        except ExportRefused:
            raise
        except EOFError as error:
            self._refuse(f"ends without its seal ({error}): it is truncated", error)
        except Exception as error:  # whatever a foreign file does to the readers, it is refused
            self._refuse(f"is refused: {error}", error)

    def pages(self, key: str, *, size: int = 1000) -> Iterator[Page]:
        """Yield the records of the collection, see Reader. Raises UsageError for an unknown key."""
        known = self.fingerprint.collections
        if key not in known:
            raise UsageError(f"No collection {key} here. {did_you_mean(key, known)}")
        dimension, count = known[key].info.dimension or 0, 0
        try:
            with self._open() as file:
                for batch in file.iter_batches(batch_size=size, columns=_COLUMNS):
                    count += len(batch)
                    yield _page(batch, dimension)
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            self._refuse(f"has records of {key} that cannot be read ({error})", error)
        if count != known[key].count:
            self._refuse(f"was changed while it was read: wanted {known[key].count}, got {count}")

    def close(self) -> None:
        """Nothing is held open between pages."""

    def _open(self) -> Any:
        # not read ahead: one row group in memory; page checksums guard against later changes
        return pq.ParquetFile(self._path, page_checksum_verification=True, pre_buffer=False)

    def _check(self, metadata: Any) -> None:
        seal = orjson.loads((metadata.metadata or {})[parquet_checksum.KEY.encode()])
        if seal["schema"] != SCHEMA:
            self._refuse(f"is not an export: wanted schema {SCHEMA}, got {seal['schema']}")
        if seal["sha256"] != self.sha256:
            self._refuse("was altered: its checksum is not in its place")
        self.fingerprint, self.about = from_head(seal["fingerprint"]), seal["about"]
        keys = list(self.fingerprint.collections)
        if len(keys) != 1:
            self._refuse(f"was altered: wanted one collection, got {len(keys)}")
        if wrong := difference(counts_of(self.fingerprint), {keys[0]: metadata.num_rows}):
            self._refuse(f"does not hold what its fingerprint says: {wrong}")

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        raise ExportRefused(f"{self._path} {reason}.", next_step=NEXT_STEP) from cause


def _page(batch: pa.RecordBatch, dimension: int) -> Page:
    column = batch.column("vector")
    has_vector = np.asarray(column.is_valid())
    flat = column.flatten().to_numpy(zero_copy_only=False)  # skips the null rows
    width = len(flat) // int(has_vector.sum()) if has_vector.any() else dimension
    vectors = np.zeros((len(batch), width), np.float32)
    vectors[has_vector] = flat.reshape(-1, width) if width else 0
    texts = batch.column("metadata").to_pylist()
    return Page(
        ids=batch.column("id").to_pylist(),
        documents=batch.column("document").to_pylist(),
        metadatas=[None if text is None else orjson.loads(text) for text in texts],
        uris=batch.column("uri").to_pylist(),
        vectors=vectors,
        without_vector=tuple(int(row) for row in np.flatnonzero(~has_vector)),
    )
