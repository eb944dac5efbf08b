"""The live vectors of one collection: its index, overlaid with the log written since the sync."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.database import Database
from chromadrill.chroma.at_rest.graph import LogTail
from chromadrill.chroma.at_rest.id_hashes import Hashes, IdMap, hashes_of
from chromadrill.chroma.at_rest.index import PICKLE, HnswIndex, IndexDamaged
from chromadrill.chroma.at_rest.log import DELETED, Stretch, vector_changes
from chromadrill.core.model import CollectionInfo

Vectors = npt.NDArray[np.float32]
_TINY = np.float32(1e-30)


def normalise(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Return (unit vectors, lengths) of float32 rows in the server's arithmetic, bit for bit.

    hnswlib sums the squares one after the other in float32 and multiplies by the reciprocal. A
    pairwise or SIMD sum (numpy's `sum`, `dot`) is up to 3 ulp off. Measured on x86-64; a build that
    fuses multiply and add (arm64) may differ in the last bit.
    """
    with np.errstate(all="ignore"):
        squares = np.add.accumulate(vectors * vectors, axis=1, dtype=np.float32)[:, -1]
        lengths = np.sqrt(squares)
        return vectors * (np.float32(1) / (lengths + _TINY))[:, None], lengths


class VectorSource:
    """The vectors of one collection by record id.

    `problems` say why the index gives no vectors, as clauses of a sentence. `synced` is the sequence
    number up to which the index holds everything, 0 where it has none. `indexed` maps ids to labels in
    the index, `changed` is what the log changed since (`log.vector_changes`).
    """

    def __init__(
        self, db: Database, root: Path, info: CollectionInfo, segment: str | None,
        synced: int, stretch: Stretch | None,
    ) -> None:  # fmt: skip
        """Read the index and the log. `segment`, `synced`: the VECTOR segment's id and max_seq_id.

        Raises StoreUnknown for an index that cannot be judged, StoreUnreadable for a damaged queue.
        """
        self._db = db
        self.info = info
        self.problems: list[str] = []
        self.index: HnswIndex | None = None
        self._cosine = info.space == "cosine"
        directory = root / (segment or "-")
        has_pickle = segment is not None and (directory / PICKLE).exists()
        if has_pickle:
            try:
                self.index = HnswIndex(directory)
            except IndexDamaged as error:
                self.problems.append(str(error))
        elif synced > 0:
            missing = "its pickle" if directory.is_dir() else "its directory"
            self.problems.append(f"it was synced up to entry {synced} but {missing} is missing")
        if self.index and info.dimension not in (None, self.index.header.dimension):
            dimension = self.index.header.dimension
            self.problems.append(f"it holds {dimension} dimensions instead of {info.dimension}")
            self.index = None
        # Servers before 1.0 kept the mark in the pickle; a table row wins over it. Without a
        # pickle the server starts an empty index and replays whatever the log still has.
        legacy = self.index.max_seq_id if self.index else None
        self.synced = (synced or legacy or 0) if has_pickle else 0
        none = np.empty(0, np.int64)
        self.indexed = self.index.names if self.index else IdMap(none, none)
        self.changed = vector_changes(db, stretch, self.synced, self.indexed)

    def hashes(self) -> Hashes:
        """Return the hash of every id that has a vector now."""
        if not self.changed:
            return self.indexed.hashes
        live = [id_ for id_, state in self.changed.items() if state != DELETED]
        return np.concatenate([self.indexed.hashes[self.is_unchanged()], hashes_of(live)])

    def is_unchanged(self) -> npt.NDArray[np.bool_]:
        """Whether the log leaves each entry of `indexed` as it is."""
        return ~np.isin(self.indexed.hashes, hashes_of(self.changed))

    def log_tail(self) -> LogTail:
        """Return what of the log bears on the index."""
        written = [id_ for id_, state in self.changed.items() if state != DELETED]
        labels = self.indexed.numbers_of(hashes_of(written))
        return LogTail(labels[labels >= 0], len(self.changed) - len(written))

    def fetch(self, ids: Sequence[str], dimension: int) -> tuple[Vectors, list[int]]:
        """Return the vectors of `ids`, float32 (len(ids), dimension), and the rows without a vector.

        Those rows are zero.
        """
        labels = self.indexed.numbers_of(hashes_of(ids))
        queued: dict[int, int] = {}
        if self.changed:
            for place, id_ in enumerate(ids):
                state = self.changed.get(id_)
                if state is not None:
                    labels[place] = -1
                    if state != DELETED:
                        queued[state] = place
        places, vectors = self._from_index(labels)
        if len(places) == len(ids) and vectors.shape == (len(ids), dimension):
            return vectors, []
        out = np.zeros((len(ids), dimension), np.float32)
        has_vector = np.zeros(len(ids), np.bool_)
        out[places] = vectors
        has_vector[places] = True
        has_vector[self._from_queue(queued, out)] = True
        return out, np.flatnonzero(~has_vector).tolist()

    def _from_index(self, labels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Return the places of `labels` that have a vector in the index, and those vectors."""
        places = np.flatnonzero(labels >= 0)
        if self.index is None or not len(places):
            return places[:0], np.empty((0, 1), np.float32)
        rows = self.index.rows_of(labels[places])
        if self._cosine:
            rows = np.where(rows < len(self.index.lengths), rows, -1)
        places, rows = places[rows >= 0], rows[rows >= 0]
        vectors = self.index.read_vectors(rows)
        if self._cosine:
            with np.errstate(all="ignore"):
                np.multiply(vectors, self.index.lengths[rows][:, None], out=vectors)
        return places, vectors

    def _from_queue(self, queued: dict[int, int], out: Vectors) -> list[int]:
        """Put the vectors of entries, by sequence number, into their rows of `out`; return those."""
        have: list[int] = []
        wanted = sorted(queued)
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            sql = f"SELECT seq_id, vector, encoding FROM embeddings_queue WHERE seq_id IN ({marks})"
            for seq, blob, encoding in self._db.rows(sql, *part):
                if not isinstance(blob, bytes) or len(blob) != 4 * out.shape[1]:
                    continue
                kind = {"FLOAT32": "<f4", "INT32": "<i4"}.get(encoding)
                if kind is None:
                    continue
                out[queued[seq]] = np.frombuffer(blob, kind)
                have.append(queued[seq])
        if self._cosine and have:
            units, lengths = normalise(out[have])
            with np.errstate(all="ignore"):
                out[have] = units * lengths[:, None]
        return have
