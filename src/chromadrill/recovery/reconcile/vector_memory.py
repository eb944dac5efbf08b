"""What a model makes of texts, as far as it was seen: a sketch by the digest of each text.

It is a fact of the model and the text, whatever store holds them: a vector that was proven once need
not be embedded again, and one that changed is found without a model. A file of Arrow keeps it from
one run to the next.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from chromadrill.chroma.fingerprint.digests import SKETCH_WIDTH, sketch
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import atomic_file
from chromadrill.core.records.alignment import merge
from chromadrill.core.records.spool import Slot, Spool
from chromadrill.core.records.streams import in_order, regrouped

VERSION = b"chromadrill vectors 1"
SCHEMA = pa.schema([("id", pa.string()), ("sketch", pa.list_(pa.float32(), SKETCH_WIDTH))])
COMPACT_ROWS = 20_000  # new ones in memory, before they are put to the others


class VectorMemory:
    """Sketches of unit length, sorted by the digest (hexadecimal) of their text.

    `path` None: for this run alone. `model`: its identity; what another model made is not taken over,
    and `forgot` says so.
    """

    def __init__(self, path: Path | None, model: str) -> None:
        self._path, self._model = path, model
        self._spool, self._slots = Spool(), list[Slot]()
        self._new: list[pa.Table] = []
        self._new_rows = 0
        self.forgot = ""
        if path is None:
            return
        self._require_folder(path)
        if path.exists():
            self._load(path)

    def tables(self) -> Iterator[pa.Table]:
        """Everything, each text once."""
        self._compact()
        for slot in self._slots:
            yield self._spool.get(slot)

    def add(self, digests: Sequence[str], vectors: np.ndarray) -> None:
        """Keep what the model made just now: (n, dimension)."""
        flat = pa.array(unit_sketches(sketch(vectors)).astype(np.float32).reshape(-1))
        sketches = pa.FixedSizeListArray.from_arrays(flat, type=SCHEMA.field("sketch").type)
        self._new.append(
            pa.Table.from_arrays([pa.array(digests, pa.string()), sketches], schema=SCHEMA)
        )
        self._new_rows += len(digests)
        if self._new_rows >= COMPACT_ROWS:
            self._compact()

    def save(self) -> None:
        """Write the file, where there is one. Raises Unavailable where it cannot be written."""
        if self._path is None:
            return
        schema = SCHEMA.with_metadata({"format": VERSION, "model": self._model})
        try:
            with (
                atomic_file(self._path) as file,
                pa.ipc.new_stream(file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
                as writer,
            ):  # fmt: skip
                for table in self.tables():
                    writer.write_table(table)
        except OSError as error:
            raise _cannot_write(self._path, error) from error

    def _require_folder(self, path: Path) -> None:
        """Now, and not after an hour of embedding."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise _cannot_write(path, error) from error

    def _load(self, path: Path) -> None:
        try:
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                metadata = reader.schema.metadata or {}
                if metadata.get(b"format") != VERSION or reader.schema.names != SCHEMA.names:
                    raise pa.ArrowInvalid("another format")
                if (model := metadata.get(b"model", b"").decode()) != self._model:
                    self.forgot = (
                        f"{path} is of {model}, not of {self._model}: nothing of it counts."
                    )
                    return
                for batch in reader:
                    table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
                    self._slots.append(self._spool.put(table))
        except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise Unavailable(
                f"{path} is no memory of vectors of ours: {error}.",
                next_step="Name another file (--memory FILE), or remove it: it is made anew.",
            ) from error

    def _compact(self) -> None:
        if not self._new:
            return
        new = in_order(pa.concat_tables(self._new).combine_chunks())
        self._new, self._new_rows = [], 0
        spool = Spool()
        merged = _once(merge([self._stored(), [new]]))
        slots = [spool.put(table) for table in regrouped(merged)]
        self._spool, self._slots = spool, slots

    def _stored(self) -> Iterator[pa.Table]:
        for slot in self._slots:
            yield self._spool.get(slot)


def _cannot_write(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"{path} cannot be written: {error.strerror or error}.",
        next_step="Name another file: --memory FILE.",
    )


def _once(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The first of the rows of each text: all say the same. `merge` gives them in one table."""
    for table in tables:
        ids = np.asarray(table["id"].to_pylist(), object)
        first = np.concatenate([[True], ids[1:] != ids[:-1]]) if len(ids) else np.empty(0, bool)
        yield table.filter(pa.array(first))


def unit_sketches(sketches: np.ndarray) -> np.ndarray:
    """(n, 8) of length 1: a store may keep vectors in another length than the model gives them."""
    wide = sketches.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1.0))


def sketches_of(table: pa.Table) -> np.ndarray:
    """The column of sketches, of which none is null: float32 (n, 8)."""
    column = table["sketch"]
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [np.asarray(chunk.flatten(), np.float32).reshape(-1, SKETCH_WIDTH) for chunk in chunks]
    return np.concatenate([np.empty((0, SKETCH_WIDTH), np.float32), *parts])
