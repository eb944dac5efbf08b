"""The writer of an export in lines: .jsonl, .jsonl.zst and .json."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chromadrill.backups.export.json_layout import LINES, MAX_LINE, Layout, to_bytes
from chromadrill.backups.export.types import (
    SCHEMA,
    refuse_unwritable,
    require_counts,
    with_print,
    without_unbegun,
)
from chromadrill.backups.export.zstd_stream import compressor, create
from chromadrill.chroma.fingerprint.fingerprint_file import head_of
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import DrillError, UsageError
from chromadrill.core.model import JSON, CollectionInfo, CollectionPrint, Fingerprint, Page


class JsonlWriter:
    """A Writer of lines in `layout`. `about` (JSON facts) is kept in the first line."""

    def __init__(
        self,
        path: Path,
        fingerprint: Fingerprint,
        *,
        layout: Layout = LINES,
        zst: bool = False,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self._layout, self._fingerprint = layout, fingerprint
        self._file = create(path)
        self._out = compressor(self._file) if zst else self._file
        self._whole = hashlib.sha256()
        self._part = hashlib.sha256()
        self._last = ""  # kind of the line written last
        self._counts: dict[str, int] = {}
        self._dimension: int | None = None
        head = {**(about or {}), "schema": SCHEMA, "created_at": utc_now()}
        self._line("head", layout.line("head", head))

    def begin(self, info: CollectionInfo) -> None:
        """Start the next collection. Raises DrillError where it is already in the file."""
        self._end()
        if info.key in self._counts:
            raise DrillError(f"Collection {info.key} is already in this export.")
        self._counts[info.key] = 0
        self._dimension = info.dimension
        self._part = hashlib.sha256()
        self._line("collection", self._layout.line("collection", dataclasses.asdict(info)))

    def write(self, page: Page) -> None:
        """Append records to the collection begun last. Raises DrillError for what JSON cannot hold."""
        if not self._counts:
            raise UsageError("Begin a collection before writing records.")
        refuse_unwritable(page, self._dimension, not_finite=False)
        without = set(page.without_vector)
        # orjson takes rows of a contiguous array only, and writes float64 in more digits
        vectors = np.ascontiguousarray(page.vectors, dtype=np.float32)
        columns = zip(page.ids, page.documents, page.metadatas, page.uris, strict=True)
        for row, (record, document, metadata, uri) in enumerate(columns):
            body = _record(
                {
                    "id": record,
                    "document": document,
                    "metadata": metadata,
                    "uri": uri,
                    "vector": None if row in without else vectors[row],
                }
            )
            self._part.update(body + b"\n")
            self._line("record", body)
        self._counts[next(reversed(self._counts))] += len(page.ids)

    def amend(self, collection: CollectionPrint) -> None:
        """Take what the collection begun last holds for what the fingerprint says of it."""
        self._fingerprint = with_print(self._fingerprint, collection)

    def seal(self, requires: JSON, coverage: JSON | None = None) -> None:
        """End the file with the fingerprint and the seal, and flush it to disk; see Writer."""
        self._end()
        if coverage is not None:
            self._fingerprint = without_unbegun(self._fingerprint, self._counts)
        require_counts(self._fingerprint, self._counts)
        last = {**head_of(self._fingerprint), "requires": requires}
        if coverage is not None:
            last["coverage"] = coverage
        self._line("fingerprint", self._layout.line("fingerprint", last))
        self._raw(b"\n")
        self._out.write(self._layout.line("seal", seal_of(self._counts, self._whole.hexdigest())))
        self._out.write(b"\n")
        if self._out is not self._file:
            self._out.close()  # ends the zstd frame
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let the file go, sealed or not."""
        try:
            if self._out is not self._file:
                self._out.close()
        finally:
            self._file.close()

    def _end(self) -> None:
        if self._last in ("collection", "record"):
            count = next(reversed(self._counts.values()))
            end = {"count": count, "sha256": self._part.hexdigest()}
            self._line("end", self._layout.line("end", end))

    def _line(self, kind: str, line: bytes) -> None:
        # the line feed comes with the next line: only then is it known whether a comma precedes it
        if self._last:
            self._raw(self._layout.separator(self._last, kind))
        self._raw(line)
        self._last = kind

    def _raw(self, data: bytes) -> None:
        self._whole.update(data)
        self._out.write(data)


def seal_of(counts: Mapping[str, int], sha256: str) -> JSON:
    """Return what the last line says: totals, and the SHA-256 of every byte before that line."""
    return {"collections": len(counts), "records": sum(counts.values()), "sha256": sha256}


def _record(record: JSON) -> bytes:
    try:
        body = to_bytes(record)
    except TypeError as error:  # a lone surrogate, or an integer beyond 64 bits
        raise DrillError(f"Record {record['id']!r} cannot be written as JSON: {error}.") from error
    if len(body) > MAX_LINE - 2:
        raise DrillError(f"Record '{record['id']}' is longer than {MAX_LINE >> 20} MiB.")
    return body
