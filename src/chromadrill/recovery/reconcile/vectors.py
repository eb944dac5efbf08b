"""Chosen records embedded again: whose vectors are not the model's, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.checks.reconcile import Finding, Kind
from chromadrill.checks.strange_vectors import is_strange, unit_rows
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint.digests import sketch
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo
from chromadrill.core.progress import Advance
from chromadrill.core.protocols import Model
from chromadrill.core.records.spool import Slot, Spool
from chromadrill.core.records.streams import Records
from chromadrill.embedding.likeness import row_cosines
from chromadrill.recovery.reconcile.chosen_vectors import IdList, nearness
from chromadrill.recovery.reconcile.sides import StoredRecord, records_of
from chromadrill.recovery.reconcile.vector_memory import VectorMemory, sketches_of, unit_sketches

KNOWN = 512  # fresh vectors that a strange one is held against
OWNERS_FOR = 5000  # wrong vectors whose owners are searched for: each search reads all sketches
SAVE_EVERY_S = 60.0


@dataclass(slots=True)
class VectorJudge:
    """Embeds stored texts again and holds the stored vectors against what comes of it.

    `right`: records whose vectors are known to be the model's. `batch_size`: texts that the model gets
    together. `least`: cosine of one text's vectors.
    """

    chroma: Chroma
    info: CollectionInfo
    model: Model
    memory: VectorMemory
    batch_size: int
    least: float
    right: IdList = field(default_factory=IdList)
    embedded: int = 0
    _spool: Spool = field(default_factory=Spool)
    _wrong: list[Slot] = field(default_factory=list)
    _known: list[np.ndarray] = field(default_factory=list)
    _searched: int = 0
    _has_right: bool = False

    def judge(self, ids: IdList, advance: Advance) -> int:
        """Embed the texts of these records; keep what is wrong for `findings`. Returns how many are."""
        saved_at, wrong = now(), 0
        for part in ids.parts():
            stored = records_of(self.chroma, self.info, part)
            # of one length together: the shorter ones are padded to the longest
            records = sorted(
                (record for record, one in stored.items() if one.text is not None),
                key=lambda record: len(stored[record].text or ""),
            )
            for start in range(0, len(records), self.batch_size):
                some = records[start : start + self.batch_size]
                wrong += self._judge(some, [stored[record] for record in some])
                advance(len(some))
            if now() - saved_at > SAVE_EVERY_S:
                self.memory.save()
                saved_at = now()
        return wrong

    def _judge(self, ids: Sequence[str], stored: Sequence[StoredRecord]) -> int:
        fresh = self._embed(stored)
        bad = [
            row for row, near in enumerate(_cosines(stored, fresh)) if not near >= self.least
        ]  # NaN is wrong too
        if bad:
            digests = [(stored[row].content.document or b"").hex() for row in bad]
            vectors = pa.array(list(fresh[bad].astype(np.float32)), pa.list_(pa.float32()))
            columns = [pa.array([ids[row] for row in bad]), pa.array(digests), vectors]
            table = pa.Table.from_arrays(columns, names=["id", "document", "fresh"])
            self._wrong.append(self._spool.put(table))
        return len(bad)

    def _embed(self, stored: Sequence[StoredRecord]) -> np.ndarray:
        fresh = np.asarray(self.model.embed([one.text or "" for one in stored]), np.float32)
        self.memory.add([(one.content.document or b"").hex() for one in stored], fresh)
        self.embedded += len(stored)
        if sum(map(len, self._known)) < KNOWN:
            self._known.append(fresh)
        return fresh

    def findings(
        self, by_text: Records, settle_s: float, wait: Callable[[float], None]
    ) -> Iterator[Finding]:
        """Look again at what was wrong, and say whose vector it is. Changed texts are embedded anew."""
        if not self._wrong:
            return
        wait(settle_s)
        for slot in self._wrong:
            table = self._spool.get(slot)
            before = {row["id"]: row for row in table.to_pylist()}
            stored = records_of(self.chroma, self.info, list(before))
            ids = [record for record, one in stored.items() if one.text is not None]
            if not ids:
                continue
            records = [stored[record] for record in ids]
            fresh = self._fresh_again(ids, records, before)
            near = _cosines(records, fresh)
            bad = [row for row in range(len(ids)) if not near[row] >= self.least]
            yield from self._name(
                [ids[row] for row in bad], [records[row] for row in bad], near[bad], by_text
            )

    def _fresh_again(
        self,
        ids: Sequence[str],
        records: Sequence[StoredRecord],
        before: dict[str, dict[str, object]],
    ) -> np.ndarray:
        fresh = [np.asarray(before[record]["fresh"], np.float32) for record in ids]
        changed = [
            row
            for row, (record, one) in enumerate(zip(ids, records, strict=True))
            if (one.content.document or b"").hex() != before[record]["document"]
        ]
        if changed:
            anew = self._embed([records[row] for row in changed])
            for row, vector in zip(changed, anew, strict=True):
                fresh[row] = vector
        return np.stack(fresh)

    def _name(
        self,
        ids: Sequence[str],
        records: Sequence[StoredRecord],
        near: np.ndarray,
        by_text: Records,
    ) -> Iterator[Finding]:
        """Whose vectors these are: another document's of this model, or another model's."""
        if not ids:
            return
        width = self.model.dimension
        vectors = np.zeros((len(ids), width), np.float32)
        for row, one in enumerate(records):
            if one.vector is not None and len(one.vector) == width:
                vectors[row] = one.vector
        owners = self._owners(records, vectors, by_text)
        strange = is_strange(vectors, self._bank())
        for row, record in enumerate(ids):
            cosine = None if np.isnan(near[row]) else round(float(near[row]), 6)
            if not records[row].has_direction:
                kind = Kind.NO_VECTOR
            elif owners[row] is not None or strange[row] is False:
                kind = Kind.OTHER_DOCUMENT
            else:
                kind = Kind.OTHER_MODEL if strange[row] else Kind.WRONG_VECTOR
            yield Finding(record, (kind,), owners[row], cosine)

    def _bank(self) -> np.ndarray:
        """Vectors of the model, (n, dimension): made just now, and stored ones that are right."""
        if not self._has_right:
            self._has_right = True
            for part in self.right.parts():
                stored = records_of(self.chroma, self.info, part).values()
                self._known += [
                    one.vector[None]
                    for one in stored
                    if one.vector is not None and len(one.vector) == self.model.dimension
                ]
        return np.concatenate(self._known)[: 2 * KNOWN]

    def _owners(
        self, records: Sequence[StoredRecord], vectors: np.ndarray, by_text: Records
    ) -> list[str | None]:
        """The record whose text each vector is the model's of, where that text was embedded once."""
        owners: list[str | None] = [None] * len(records)
        if self._searched >= OWNERS_FOR:
            return owners
        self._searched += len(records)
        least = 1 - nearness(self.least) ** 2 / 2
        sketches, texts = unit_sketches(sketch(vectors)), dict[int, str]()
        for table in self.memory.tables():
            # of unit vectors: their distance, squared, is 2 less twice their product
            product = sketches @ unit_rows(sketches_of(table)).T
            best = product.argmax(axis=1)
            near = np.flatnonzero(product.max(axis=1) >= least)
            texts |= {int(row): table["id"][int(best[row])].as_py() for row in near}
        records_with = _first_records(by_text, set(texts.values())) if texts else {}
        for number, text in texts.items():
            if text != (records[number].content.document or b"").hex():
                owners[number] = records_with.get(text)
        return owners


def _cosines(stored: Sequence[StoredRecord], fresh: np.ndarray) -> np.ndarray:
    """Of stored and fresh vectors; NaN where none is stored, or one of another width."""
    vectors = np.full(fresh.shape, np.nan, np.float32)
    for row, one in enumerate(stored):
        if one.vector is not None and len(one.vector) == fresh.shape[1]:
            vectors[row] = one.vector
    return row_cosines(vectors, fresh)


def _first_records(by_text: Records, texts: set[str]) -> dict[str, str]:
    """The first record of each text, by the text's digest."""
    wanted, found = pa.array(sorted(texts), pa.string()), dict[str, str]()
    for table in by_text.batches():
        some = table.filter(pc.is_in(table["id"], value_set=wanted))
        for text, record in zip(some["id"].to_pylist(), some["record"].to_pylist(), strict=True):
            found.setdefault(text, record)
    return found
