"""The vectors of a damaged collection: where each one is, and what says that it is that record's.

A vector of the queue stands beside its id, and is the newest one. A vector of the index is taken where
two places say that it is that record's: both maps of ids and labels, a map and the order of the records,
or the digest of a fingerprint. Every other one is doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import orjson

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.at_rest.id_hashes import Hashes, hashes_of
from chromadrill.chroma.at_rest.index import IndexDamaged
from chromadrill.chroma.at_rest.log import as_seq_id
from chromadrill.chroma.at_rest.vectors import normalise
from chromadrill.chroma.fingerprint.digests import digest
from chromadrill.chroma.remains.index import IndexRemains, dimension_of, open_remains
from chromadrill.core.clock import parse_time
from chromadrill.core.model import CollectionInfo
from chromadrill.recovery.salvage.findings import Place
from chromadrill.recovery.salvage.labels import Labels, labels_of
from chromadrill.recovery.salvage.last_vectors import LastEntries, LastVectors
from chromadrill.recovery.salvage.queued import Queued
from chromadrill.recovery.salvage.rows_by_digest import RowsByDigest

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
_UNIT = 1e-4  # what the length of a unit vector may be off
_LEAST_LENGTH = 1e-12  # of a vector that somebody may have written
_WIDTHS = {"FLOAT32": "<f4", "INT32": "<i4"}
_SAMPLE = 200
_WHOLE_SECOND = 1.0  # the queue's times are cut to it


class VectorFinder:
    """`problems`: what is wrong with the index, as clauses. `dimension`: 0 where nothing says it."""

    def __init__(
        self,
        store: Store,
        info: CollectionInfo,
        segment: str | None,
        *,
        has_gaps: bool = False,
        taken_at: str | None = None,
        known_dimension: int | None = None,
    ) -> None:
        """`segment`: the folder of the index; None where the store names none.

        `has_gaps`: entries of the queue are lost. A record of which nobody knows when it was written
        may have been changed by one of them. `taken_at`: when the fingerprint was begun;
        `known_dimension`: what it says.
        """
        self._has_gaps, self._taken_at = has_gaps, taken_at
        self._store, self._info = store, info
        self._is_cosine = info.space == "cosine"
        self.problems: list[str] = []
        self.index: IndexRemains | None = None
        metadata = store.segment(info, "METADATA")
        taken_in = metadata.synced if metadata else 0
        self._queue = Queued(store, store.stretch(info), taken_in)
        # of the folder, not of the table of segments, which may have lost that row
        row = store.db.one("SELECT seq_id FROM max_seq_id WHERE segment_id = ?", segment)
        self._synced = (as_seq_id(row[0]) or 0) if row else 0
        self.dimension = info.dimension or self._queued_dimension() or 0
        if segment is not None:
            folder, dimension = store.path / segment, info.dimension
            told = dimension_of(folder)
            is_refuted = None not in (told, dimension) and told != dimension
            # the index alone may be another collection's
            if is_refuted and told in (self._only_queued_dimension(), known_dimension):
                self.problems.append(f"its vectors have {told} dimensions, not {dimension}")
                self.dimension = dimension = told or 0
            try:
                self.index = open_remains(folder, dimension, _links(info))
            except IndexDamaged as error:
                self.problems.append(str(error))
        # the database has no mark and the files no rows: nothing of its queue was ever purged
        is_young = segment is not None and (store.path / segment).is_dir()
        is_young = is_young and not (self._synced or self.index or self.problems)
        self._last = LastVectors(
            store,
            info,
            self._queue,
            self.index,
            self._synced,
            has_gaps=has_gaps,
            is_young=is_young,
        )
        if self.index is not None:
            self.problems += self.index.problems
            self.dimension = self.dimension or self.index.header.dimension
        elif (queued := self._only_queued_dimension()) not in (None, self.dimension):
            self.problems.append(f"its vectors have {queued} dimensions, not {self.dimension}")
            self.dimension = queued or 0
        ids, numbers = _record_numbers(store, info)
        self._labels: Labels | None = None
        if self.index is not None:
            self._labels = labels_of(self.index, ids, numbers)
            if not self._is_cosine and self._is_written_as_cosine():
                self.problems.append(
                    f"it was written for cosine, and the configuration says {info.space}"
                )
                self._labels = Labels(self._labels.names, ids[:0])
            if self._is_cosine and self.index.has_few_lengths:
                self._labels = Labels(self._labels.names, ids[:0])
            if self._labels.are_paired:
                self.problems.append("nothing says which row is whose")
        self._rows_by_digest: RowsByDigest | None = None

    def find(
        self, ids: Sequence[str], digests: Sequence[bytes | None]
    ) -> tuple[Vectors, list[Place], npt.NDArray[np.bool_]]:
        """Return the vectors of `ids`, float32 (len(ids), dimension), where each is, which are proven.

        `digests`: of the fingerprint, None where it has none of just this record. Rows without a
        vector are zero.
        """
        out = np.zeros((len(ids), self.dimension), np.float32)
        places = [Place.NOWHERE] * len(ids)
        hashes = hashes_of(ids)
        self._from_index(hashes, out, places)
        last = self._last.find(ids, hashes)
        is_open = self._from_queue(out, places, last)
        self._doubt_older(places, last.written, last.vectors)
        return out, places, self._prove(out, places, digests, last, is_open)

    def _prove(
        self,
        out: Vectors,
        places: list[Place],
        digests: Sequence[bytes | None],
        last: LastEntries,
        is_open: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.bool_]:
        """Hold the vectors against the fingerprint, and take those that it alone can tell.

        `is_open`: what the newest write made of the record is not known. A fingerprint from before it
        does not know either.
        """
        proven = np.zeros(len(places), np.bool_)
        sought: list[tuple[int, bytes]] = []
        for row, wanted in enumerate(digests):
            if wanted is None:
                continue
            if is_open[row] and not self._seconds_before(int(last.newest[row])) >= _WHOLE_SECOND:
                continue
            if places[row] is not Place.NOWHERE and digest(out[row].data) == wanted:
                proven[row] = True
                if not places[row].is_sound:
                    places[row] = Place.INDEX
            elif not places[row].is_sound or places[row] is Place.INDEX:
                sought.append((row, wanted))
            elif not self._seconds_before(int(last.vectors[row])) <= 0:
                places[row] = Place.DOUBTFUL
                if last.vectors[row] <= self._synced:  # the index has taken in that write
                    sought.append((row, wanted))
        found = self._of_digests([wanted for _, wanted in sought])
        for (row, _), vector in zip(sought, found, strict=True):
            if vector is not None:
                out[row] = vector
                places[row], proven[row] = Place.INDEX, True
            elif places[row] is Place.INDEX:  # the same record, and another vector
                places[row] = Place.DOUBTFUL
        return proven

    # ---- the index ----------------------------------------------------------------------------------
    def _from_index(self, hashes: Hashes, out: Vectors, places: list[Place]) -> None:
        if self.index is None or self._labels is None:
            return
        labels = self._labels.names.numbers_of(hashes)
        rows = np.where(labels >= 0, self.index.rows_of(labels), -1)
        has = np.flatnonzero(rows >= 0)
        if not len(has) or self.index.header.dimension != self.dimension:
            return
        vectors, is_sound = self._vectors(rows[has])
        witnessed = self._labels.is_witnessed(hashes[has]) & is_sound
        out[has] = vectors
        for place, is_witnessed in zip(has.tolist(), witnessed.tolist(), strict=True):
            places[place] = Place.INDEX if is_witnessed else Place.DOUBTFUL

    def _vectors(self, rows: npt.NDArray[np.int64]) -> tuple[Vectors, npt.NDArray[np.bool_]]:
        """Vectors as a server answers them, and which of them can be such vectors at all."""
        assert self.index is not None  # noqa: S101 - asked by those who have looked
        vectors = self.index.read_vectors(rows)
        with np.errstate(all="ignore"):
            is_sound = np.asarray(np.isfinite(vectors).all(axis=1), np.bool_)
            if self._is_cosine:
                norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
                lengths = self.index.lengths_of(rows)
                is_unit = (np.abs(norms - 1) < _UNIT) & np.isfinite(lengths)
                is_sound &= is_unit | ((norms == 0) & self.index.have_no_length(rows))
                vectors = vectors * np.nan_to_num(lengths, nan=1.0)[:, None]
        return vectors, is_sound

    def _is_written_as_cosine(self) -> bool:
        """Unit vectors beside lengths that are not 1: only a cosine index is written so.

        Any other one is written beside whatever the memory held, as many numbers as rows, of which few
        can be lengths.
        """
        assert self.index is not None  # noqa: S101 - asked by those who have looked
        rows = np.arange(min(self.index.row_count, len(self.index.lengths), _SAMPLE))
        lengths = self.index.lengths[rows]
        with np.errstate(all="ignore"):
            norms = np.linalg.norm(self.index.read_vectors(rows).astype(np.float64), axis=1)
            are_units = (np.abs(norms - 1) < _UNIT) | (norms == 0)
            are_lengths = (lengths > _LEAST_LENGTH) & (lengths < 1 / _LEAST_LENGTH)
            is_filled = 2 * are_lengths.sum() > (lengths != 0).sum()
            is_other = (np.abs(lengths[lengths > 0] - 1) > _UNIT).any()
        is_likely = is_filled or self.index.has_other_lengths
        return bool(2 * are_units.sum() > len(rows) and is_likely and is_other)

    def _of_digests(self, wanted: Sequence[bytes]) -> list[Vectors | None]:
        """The vector of whichever row has each digest: its label may be gone or wrong."""
        if self.index is None or self.index.header.dimension != self.dimension or not wanted:
            return [None] * len(wanted)
        if self._rows_by_digest is None:
            self._rows_by_digest = RowsByDigest(
                lambda rows: self._vectors(rows)[0], self.index.row_count
            )
        return self._rows_by_digest.vectors(wanted)

    def _doubt_older(self, places: list[Place], written: Numbers, queued: Numbers) -> None:
        """A record that was written later, by a write that the queue has lost, is doubtful."""
        in_index = np.array([place is Place.INDEX for place in places], np.bool_)
        known = np.where((queued > 0) & ~in_index, queued, self._synced)
        is_older = (known > 0) & (written > known) & ~self._queue.has_numbers(written)
        if self._has_gaps:
            is_older |= written <= 0
        for row in np.flatnonzero(is_older).tolist():
            if places[row].is_sound:
                places[row] = Place.DOUBTFUL

    def _seconds_before(self, seq_id: int) -> float:
        """How long before the fingerprint an entry was written, NaN where nobody can tell."""
        sql = "SELECT created_at FROM embeddings_queue WHERE seq_id = ?"
        row = self._store.db.one(sql, seq_id)
        try:
            return (
                parse_time(str(self._taken_at)) - parse_time(str(row and row[0]))
            ).total_seconds()
        except ValueError:
            return math.nan

    # ---- the queue ----------------------------------------------------------------------------------
    def _from_queue(
        self, out: Vectors, places: list[Place], last: LastEntries
    ) -> npt.NDArray[np.bool_]:
        """Returns of which records the newest write is not known, or cannot be read."""
        is_open = ~last.is_sure
        vectors = self._read(last.vectors[last.vectors > 0].tolist())
        for row in np.flatnonzero((last.vectors > 0) | ~last.is_sure).tolist():
            vector, is_sure = vectors.get(int(last.vectors[row])), bool(last.is_sure[row])
            in_index = places[row] is Place.INDEX
            if vector is None:
                is_open[row] |= last.vectors[row] > self._synced
                if in_index and is_open[row]:
                    places[row] = Place.DOUBTFUL
                continue
            is_equal = in_index and bool(np.array_equal(out[row], vector, equal_nan=True))
            if is_equal and (is_sure or last.is_index_enough[row]):
                places[row] = Place.BOTH_EQUAL
            elif not is_sure:
                places[row] = Place.DOUBTFUL
            else:
                places[row] = Place.BOTH_DIFFERENT if in_index else Place.QUEUE
            if is_sure or not in_index:
                out[row] = vector
        return is_open

    def _read(self, seq_ids: object) -> dict[int, Vectors]:
        wanted = orjson.dumps(list(seq_ids)).decode()  # type: ignore[call-overload]
        sql = (
            "SELECT q.seq_id, q.vector, q.encoding FROM json_each(?) j CROSS JOIN embeddings_queue q"
            " ON q.seq_id = j.value"
        )
        numbers, rows = list[int](), list[Vectors]()
        for seq, blob, encoding in self._store.db.rows(sql, wanted):
            kind = _WIDTHS.get(encoding)
            if kind is None or not isinstance(blob, bytes) or len(blob) != 4 * self.dimension:
                continue
            numbers.append(seq)
            rows.append(np.frombuffer(blob, kind).astype(np.float32))
        if not rows:
            return {}
        vectors = np.stack(rows)
        is_finite = np.asarray(np.isfinite(vectors).all(axis=1)).tolist()
        if self._is_cosine:  # as the server answers it
            units, lengths = normalise(vectors)
            with np.errstate(all="ignore"):  # of those that are not finite
                vectors = units * lengths[:, None]
        pairs = zip(numbers, vectors, is_finite, strict=True)
        return {seq: vector for seq, vector, is_sound in pairs if is_sound}

    def _queued_dimension(self) -> int | None:
        if (stretch := self._store.stretch(self._info)) is None:
            return None
        sql = (
            "SELECT length(vector) FROM embeddings_queue"
            " WHERE topic = ? AND seq_id BETWEEN ? AND ? AND vector IS NOT NULL LIMIT 1"
        )
        row = self._store.db.one(sql, *stretch)
        return int(row[0]) // 4 if row and row[0] else None

    def _only_queued_dimension(self) -> int | None:
        """The one dimension of vectors of the queue (1,000 looked at); None where they have several."""
        wanted = orjson.dumps(self._queue.numbers[:1000].tolist()).decode()
        sql = (
            "SELECT DISTINCT length(q.vector) FROM json_each(?) j"
            " CROSS JOIN embeddings_queue q ON q.seq_id = j.value"
        )
        lengths = {int(row[0]) for row in self._store.db.rows(sql, wanted) if row[0]}
        return lengths.pop() // 4 if len(lengths) == 1 else None


def _record_numbers(
    store: Store, info: CollectionInfo
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(hash of the id, number) of each record of the tables, in the order of the numbers."""
    segment = store.segment(info, "METADATA")
    if segment is None:
        none = np.empty(0, np.int64)
        return none, none
    sql = "SELECT id, embedding_id FROM embeddings WHERE segment_id = ?"
    flat = np.fromiter(
        (value for number, id_ in store.db.rows(sql, segment.id) for value in (number, hash(id_))),
        np.int64,
    ).reshape(-1, 2)
    flat = flat[np.argsort(flat[:, 0], kind="stable")]
    return flat[:, 1].copy(), flat[:, 0].copy()


def _links(info: CollectionInfo) -> int | None:
    """`max_neighbors` of the configuration."""
    hnsw = ((info.configuration or {}).get("hnsw") or {}) if info.configuration else {}
    links = hnsw.get("max_neighbors")
    return links if isinstance(links, int) and 0 < links < 1024 else None
