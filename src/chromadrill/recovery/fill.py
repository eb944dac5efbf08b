"""Rows into the collection that is being made: kept where they are there already, else embedded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.digests import canonical
from chromadrill.chroma.leaked_metadata import remove_leaked_keys
from chromadrill.core.model import CollectionInfo
from chromadrill.core.progress import Advance
from chromadrill.core.protocols import Embedder
from chromadrill.recovery.sources.rows import Row, Source

DELETED = 1000  # ids in one request
Plain = tuple[str | None, str | None, str | None]  # document, canonical metadata, URI


@dataclass(slots=True)
class Parts:
    """Rows of a batch by what they need.

    `done`: nothing; `meta`: other metadata; `kept`: the old collection's vector; `new`: embedding.
    `same`: how many the old collection holds exactly so.
    """

    done: list[Row] = field(default_factory=list)
    meta: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)
    same: int = 0


@dataclass(slots=True)
class Filling:
    """`old` lends vectors of unchanged documents (None: none are taken over).

    Counts what it did: rows embedded, copied from the old collection, resumed of an earlier run.
    """

    chroma: Chroma
    source: Source
    model: Embedder
    old: CollectionInfo | None
    staging: CollectionInfo | None
    batch_size: int
    fresh: set[str] = field(default_factory=set)  # ids of what was embedded
    copied: int = 0
    resumed: int = 0

    @property
    def embedded(self) -> int:
        return len(self.fresh)

    def sort(self, rows: Sequence[Row]) -> Parts:
        """What each row needs. Documents decide, text against text; a clock may be wrong."""
        parts = Parts()
        staged, held = self._records(self.staging, rows), self._records(self.old, rows)
        for row in rows:
            wanted = (row.content, canonical(row.metadata), row.uri)
            here, there = staged.get(row.id), held.get(row.id)
            parts.same += there == wanted
            if here == wanted:
                parts.done.append(row)
            elif here and here[0] == row.content:
                parts.meta.append(row)
            elif there and there[0] == row.content:
                parts.kept.append(row)
            else:
                parts.new.append(row)
        return parts

    def fill(self, made: CollectionInfo, rows: Sequence[Row], advance: Advance) -> None:
        """Bring `rows` into `made`; `advance` is told of every document that was embedded."""
        parts = self.sort(rows)
        self.resumed += len(parts.done) + self._copy(made, made, parts.meta, parts.new)
        self.copied += self._copy(self.old, made, parts.kept, parts.new)
        # of one length together: the shorter ones of a batch are padded to its longest
        new = sorted(parts.new, key=lambda row: len(row.content))
        size = self.batch_size
        groups = deque(new[start : start + size] for start in range(0, len(new), size))
        # long and short in turn, else the time that is left is told from the short ones alone
        for turn in range(len(groups)):
            group = groups.pop() if turn % 2 else groups.popleft()
            self._write(made, group, self.model.embed([each.content for each in group]))
            self.fresh.update(each.id for each in group)
            advance(len(group))

    def remove_extra(self, made: CollectionInfo, rows: int) -> None:
        """What an earlier run had written and the source no longer has."""
        if self.chroma.count(made) == rows:
            return
        extra: list[str] = []
        for page in self.chroma.pages(made):
            extra += set(page.ids) - self.source.holds(page.ids)
        for start in range(0, len(extra), DELETED):
            self.chroma.delete(made, extra[start : start + DELETED])

    def _copy(
        self, owner: CollectionInfo | None, made: CollectionInfo, rows: list[Row], new: list[Row]
    ) -> int:
        """Write `rows` with the vectors that `owner` has; those it has lost are `new`."""
        vectors = self._vectors(owner, rows)
        at_hand = [each for each in rows if each.id in vectors]
        new += [each for each in rows if each.id not in vectors]
        if at_hand:
            self._write(made, at_hand, np.stack([vectors[each.id] for each in at_hand]))
        return len(at_hand)

    def _write(self, made: CollectionInfo, rows: Sequence[Row], vectors: np.ndarray) -> None:
        ids, metadatas = [each.id for each in rows], [each.metadata for each in rows]
        self.chroma.upsert(
            made,
            ids=ids,
            vectors=vectors,
            documents=[each.content for each in rows],
            metadatas=metadatas,
            uris=[each.uri for each in rows],
        )
        remove_leaked_keys(self.chroma, made, ids, metadatas)

    def _records(self, info: CollectionInfo | None, rows: Sequence[Row]) -> dict[str, Plain]:
        if info is None:
            return {}
        raw = self.chroma.get(
            info, ids=[each.id for each in rows], include=("documents", "metadatas", "uris")
        )
        blank: list[None] = [None] * len(raw["ids"])
        columns = [raw.get(each) or blank for each in ("documents", "metadatas", "uris")]
        return {
            record: (document, canonical(metadata), uri)
            for record, document, metadata, uri in zip(raw["ids"], *columns, strict=True)
        }

    def _vectors(self, info: CollectionInfo | None, rows: list[Row]) -> dict[str, np.ndarray]:
        """Those that can be had: a sick index answers 500, and its documents are embedded again."""
        if info is None or not rows:
            return {}
        try:
            raw = self.chroma.get(info, ids=[each.id for each in rows], include=("embeddings",))
        except CallFailed as error:
            if error.status == 0:
                raise
            return {}
        found = zip(raw["ids"], raw.get("embeddings") or [], strict=False)
        return {record: np.asarray(row, np.float32) for record, row in found if row is not None}
