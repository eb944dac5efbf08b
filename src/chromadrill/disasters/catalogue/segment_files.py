"""The files of an index segment: where a record's vector, label and links stand in them."""

from __future__ import annotations

import io
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from chromadrill.disasters.catalogue.store_editor import PICKLE, Collection, StoreEditor


@dataclass(frozen=True)
class RowLayout:
    """header.bin of a segment: where things are in data_level0.bin."""

    count: int
    row_size: int
    label_at: int
    vector_at: int

    @classmethod
    def read(cls, directory: Path) -> RowLayout:
        """Read it, or LookupError."""
        path = directory / "header.bin"
        if not path.is_file() or path.stat().st_size < 100:
            raise LookupError(f"{path} is no index header.")
        return cls(*struct.unpack_from("<4Q", path.read_bytes(), 20))

    def vector(self, rows: Path, row: int) -> bytes:
        """The stored vector of one row."""
        with rows.open("rb") as handle:
            handle.seek(row * self.row_size + self.vector_at)
            return handle.read(self.label_at - self.vector_at)


class _PlainUnpickler(pickle.Unpickler):
    """Reads dicts, lists and scalars; refuses every class."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed here")


def read_pickle(path: Path) -> dict[str, Any]:
    """index_metadata.pickle as a plain dict."""
    loaded = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    if not isinstance(loaded, dict):
        raise LookupError(f"{path} does not hold a dict.")
    return loaded


def write_pickle(path: Path, content: dict[str, Any]) -> None:
    """Write index_metadata.pickle back."""
    path.write_bytes(pickle.dumps(content, protocol=4))


def live_labels(store: StoreEditor, collection: Collection) -> dict[str, int]:
    """Record id -> label, only of live records whose newest vector is the one in the index."""
    labels = read_pickle(collection.directory / PICKLE)["id_to_label"]
    with store.raw() as connection:
        live = {
            row[0]
            for row in connection.execute(
                "SELECT embedding_id FROM embeddings WHERE segment_id = ?", (collection.metadata,)
            )
        }
        newer = {
            row[0]
            for row in connection.execute(
                "SELECT id FROM embeddings_queue WHERE topic = ? AND seq_id > ?",
                (collection.topic, collection.synced),
            )
        }
    current = {i: int(label) for i, label in labels.items() if i in live and i not in newer}
    if len(current) < 20:
        raise LookupError(f"The index of {collection.key} holds fewer than 20 live records.")
    return current


def rows_by_label(collection: Collection) -> dict[int, int]:
    """Label -> row number in data_level0.bin."""
    header = RowLayout.read(collection.directory)
    rows = (collection.directory / "data_level0.bin").read_bytes()
    return {
        struct.unpack_from("<Q", rows, n * header.row_size + header.label_at)[0]: n
        for n in range(header.count)
    }


def live_rows(store: StoreEditor, collection: Collection, rng: Random, k: int) -> list[int]:
    """`k` row numbers of live records that only the index holds."""
    rows = rows_by_label(collection)
    labels = sorted(live_labels(store, collection).values())
    return [rows[label] for label in rng.sample([x for x in labels if x in rows], k)]
