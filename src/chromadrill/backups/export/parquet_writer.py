"""The writer of one collection in Parquet: a table that any data tool reads, sealed for restores.

Columns: `id`, `document`, `uri`, `vector` (float32), `metadata` (canonical JSON text: the truth on
import) and, for people and their tools, `metadata.KEY` for each key of one type.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from chromadrill.backups.export.parquet_checksum import KEY, UNSEALED, patch
from chromadrill.backups.export.types import (
    SCHEMA,
    arrow_type,
    column_types,
    refuse_unwritable,
    require_counts,
    with_print,
)
from chromadrill.backups.export.zstd_stream import create
from chromadrill.chroma.fingerprint.digests import canonical
from chromadrill.chroma.fingerprint.fingerprint_file import head_of
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import DrillError, UsageError
from chromadrill.core.model import JSON, CollectionInfo, CollectionPrint, Fingerprint, Page

GROUP_ROWS = 5_000
GROUP_BYTES = 64 << 20  # whichever comes first: what the writer holds in memory
PREFIX = "metadata."


class ParquetWriter:
    """A Writer of one collection. `about` (JSON facts) is kept beside the seal."""

    def __init__(
        self, path: Path, fingerprint: Fingerprint, *, about: Mapping[str, Any] | None = None
    ) -> None:
        self._path, self._fingerprint = path, fingerprint
        self._about = dict(about or {})
        self._file: BinaryIO = create(path)
        self._info: CollectionInfo | None = None
        self._writer: Any = None
        self._columns: dict[str, pa.DataType] = {}
        self._group: list[pa.Table] = []
        self._count = 0

    def begin(self, info: CollectionInfo) -> None:
        """Start the collection. Raises UsageError for a second one."""
        if self._info:
            raise UsageError(
                f"{self._path}: a .parquet file holds one collection; it has {self._info.key},"
                f" so {info.key} does not fit.",
                next_step="Export to a folder, or to .jsonl, .jsonl.zst or .json.",
            )
        self._info = info
        self._columns = column_types(self._fingerprint.collections[info.key].records)
        # a collection without records has no dimension yet
        vector = pa.list_(pa.float32(), info.dimension or -1)
        text = [(name, pa.string()) for name in ("id", "document", "uri")]
        natural = [(PREFIX + key, kind) for key, kind in self._columns.items()]
        schema = pa.schema([*text, ("vector", vector), ("metadata", pa.string()), *natural])
        leaves = {_leaf(field): field.name for field in schema}
        others = [leaf for leaf, name in leaves.items() if name != "vector"]
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            # random floats do not shrink: packing them costs seconds and saves nothing
            compression={leaf: "zstd" if leaf in others else "none" for leaf in leaves},
            compression_level=dict.fromkeys(others, 1),
            use_dictionary=[leaf for leaf in others if leaf.startswith(PREFIX)],
            write_statistics=others,
            write_page_checksum=True,
        )

    def write(self, page: Page) -> None:
        """Append records. Raises DrillError for what does not fit the columns."""
        if not self._info:
            raise UsageError(f"{self._path}: begin a collection before writing records.")
        refuse_unwritable(page, self._info.dimension, not_finite=True)
        try:
            self._group.append(self._table(page))
        except (pa.ArrowException, UnicodeError, TypeError) as error:
            raise DrillError(
                f"{self._info.key}: of records {page.ids[0]!r} to {page.ids[-1]!r} one does not"
                f" fit the columns: {error}."
            ) from error
        self._count += len(page.ids)
        rows, size = (sum(map(of, self._group)) for of in (len, lambda table: table.nbytes))
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            self._flush()

    def amend(self, collection: CollectionPrint) -> None:
        """Take what the collection holds for what the fingerprint says of it."""
        self._fingerprint = with_print(self._fingerprint, collection)

    def seal(self, requires: JSON, coverage: JSON | None = None) -> None:
        """End the file with the fingerprint and its checksum, and flush it to disk; see Writer."""
        if not self._info:
            raise UsageError(
                f"{self._path}: a .parquet file holds one collection, and there is none.",
                next_step="Export to a folder, or to .jsonl, .jsonl.zst or .json.",
            )
        require_counts(self._fingerprint, {self._info.key: self._count})
        self._flush()
        seal = {
            "schema": SCHEMA,
            "created_at": utc_now(),
            "about": {
                **self._about,
                **({"requires": requires} if requires else {}),
                **({"coverage": coverage} if coverage else {}),
            },
            "fingerprint": head_of(self._fingerprint),
            "count": self._count,
            "sha256": UNSEALED,  # the last one: see parquet_checksum
        }
        self._writer.add_key_value_metadata({KEY: orjson.dumps(seal).decode()})
        self._writer.close()
        self._file.close()
        patch(self._path)

    def close(self) -> None:
        """Let the file go, sealed or not."""
        if not self._file.closed:
            # not sealed: pyarrow still wants to write a footer, to a disk that may be full
            with suppress(Exception):
                self._writer.close()
            self._file.close()

    def _flush(self) -> None:
        if self._group:
            self._writer.write_table(pa.concat_tables(self._group))
            self._group = []

    def _table(self, page: Page) -> pa.Table:
        columns = [
            pa.array(page.ids, pa.string()),
            pa.array(page.documents, pa.string()),
            pa.array(page.uris, pa.string()),
            vector_array(page, self._writer.schema.field("vector").type),
            pa.array([canonical(metadata) for metadata in page.metadatas], pa.string()),
            *natural_columns(page, self._columns),
        ]
        return pa.Table.from_arrays(columns, schema=self._writer.schema)


def vector_array(page: Page, kind: pa.DataType) -> pa.Array:
    """Return the vectors as lists of type `kind`, null in rows without one."""
    rows, width = page.vectors.shape
    mask = np.zeros(rows, bool)
    mask[list(page.without_vector)] = True
    flat = pa.array(np.ascontiguousarray(page.vectors, np.float32).reshape(-1), pa.float32())
    if not pa.types.is_fixed_size_list(kind):
        offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
        return pa.ListArray.from_arrays(offsets, flat, type=kind, mask=pa.array(mask))
    return pa.FixedSizeListArray.from_arrays(flat, type=kind, mask=pa.array(mask))


def natural_columns(page: Page, columns: Mapping[str, pa.DataType]) -> list[pa.Array]:
    """Return one array for each key of `columns` (key -> type).

    A value of another type is null here and right in the text: its record was changed since the types
    were read, and pa.array alone would turn 2.0 into 2.
    """
    rows = len(page.ids)
    values: dict[str, list[Any]] = {key: [None] * rows for key in columns}
    for row, metadata in enumerate(page.metadatas):
        # by record, not by key: with a thousand sparse keys that is twenty times faster
        for key, value in (metadata or {}).items():
            kind = columns.get(key)
            if kind is not None and (
                arrow_type(value) == kind or (value == [] and pa.types.is_list(kind))
            ):
                values[key][row] = value
    return [pa.array(values[key], kind) for key, kind in columns.items()]


def _leaf(field: pa.Field) -> str:
    nested = pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type)
    return f"{field.name}.list.element" if nested else field.name
