"""Fill the collection that is being made: what is known of a row is taken over, the rest embedded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.checks.same_metadata import same_metadata
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.digests import canonical
from chromadrill.chroma.leaked_metadata import remove_leaked_keys
from chromadrill.core.model import CollectionInfo
from chromadrill.core.progress import Advance
from chromadrill.core.protocols import Embedder
from chromadrill.recovery.embedded_ids import EmbeddedIds
from chromadrill.recovery.embedding_step import Batch, EmbeddingStep, InThisProcess
from chromadrill.recovery.sources.rows import KeyRange, Row, RowSource
from chromadrill.recovery.vectors_from.lent import LentVectors

IDS_PER_DELETE = 1000
StoredRecord = tuple[str | None, str | None, str | None]  # document, canonical metadata, URI


def is_stored(stored: StoredRecord | None, wanted: StoredRecord) -> bool:
    """Whether a record is what was to be written, as far as a server keeps it."""
    if stored is None:
        return False
    same_text = (stored[0], stored[2]) == (wanted[0], wanted[2])
    return same_text and same_metadata(wanted[1], stored[1])


@dataclass(slots=True)
class RowGroups:
    """Rows of a batch by what they need.

    `complete`: nothing; `other_metadata`: new metadata alone; `reusable`: the vector of the old
    collection; `lent`: that of a lender; `to_embed`: an embedding. `same_in_old`: how many the old
    collection holds exactly so.
    """

    complete: list[Row] = field(default_factory=list)
    other_metadata: list[Row] = field(default_factory=list)
    reusable: list[Row] = field(default_factory=list)
    lent: list[Row] = field(default_factory=list)
    to_embed: list[Row] = field(default_factory=list)
    same_in_old: int = 0


@dataclass(slots=True)
class Filler:
    """Fills `staging`. `old` lends vectors of unchanged documents (None: none are taken over).

    `lent`: vectors of others, by the document alone. `step`: who embeds; None: `model`, in this
    process. `doubted`: ids whose vectors are made anew, whatever others have. Counts what it did:
    rows embedded (`first`: ids of those before any other), copied from the old collection or a lender,
    resumed of an earlier run.
    """

    chroma: Chroma
    source: RowSource
    model: Embedder
    old: CollectionInfo | None
    staging: CollectionInfo | None
    batch_size: int
    lent: LentVectors = field(default_factory=LentVectors)
    step: EmbeddingStep | None = None
    doubted: frozenset[str] = frozenset()
    fresh: EmbeddedIds = field(default_factory=EmbeddedIds)
    first: frozenset[str] = frozenset()
    copied: int = 0
    resumed: int = 0

    @property
    def embedded(self) -> int:
        return len(self.fresh)

    def sort(self, rows: Sequence[Row]) -> RowGroups:
        """What each row needs. Documents decide, text against text; a clock may be wrong."""
        groups, doubted = RowGroups(), list[Row]()
        all_staged, all_old = self._records(self.staging, rows), self._records(self.old, rows)
        for row in rows:
            wanted = (row.content, canonical(row.metadata), row.uri)
            staged, old = all_staged.get(row.id), all_old.get(row.id)
            if row.id in self.doubted:
                doubted.append(row)
                continue
            groups.same_in_old += is_stored(old, wanted)
            if is_stored(staged, wanted):
                groups.complete.append(row)
            elif staged and staged[0] == row.content:
                groups.other_metadata.append(row)
            elif old and old[0] == row.content:
                groups.reusable.append(row)
            else:
                groups.to_embed.append(row)
        groups.lent, groups.to_embed = self.lent.split(groups.to_embed)
        groups.to_embed += doubted
        return groups

    def fill(
        self,
        staged: CollectionInfo,
        rows: Sequence[Row],
        advance: Advance,
        keys: KeyRange | None = None,
    ) -> None:
        """Bring `rows` into `staged`; `advance` is called with the documents embedded each time.

        `keys`: the range of the source that the rows are. A step of workers is behind: see `finish`.
        """
        step = self.step or InThisProcess(self.model)
        groups = self.sort(rows)
        to_embed = groups.to_embed
        mended = self._copy(staged, staged, groups.other_metadata, to_embed)
        self.resumed += sum(row.id not in self.first for row in groups.complete) + mended
        self.copied += self._copy(self.old, staged, groups.reusable, to_embed)
        doubted = [row for row in to_embed if row.id in self.doubted]
        trusted = [row for row in to_embed if row.id not in self.doubted]
        to_embed = [*self._take_over(staged, [*groups.lent, *trusted]), *doubted]
        # of one length together: the shorter ones of a batch are padded to its longest
        to_embed.sort(key=lambda row: len(row.content))
        size = self.batch_size
        batches = deque(to_embed[at : at + size] for at in range(0, len(to_embed), size))
        # long and short in turn, else the time that is left is told from the short ones alone
        for turn in range(len(batches)):
            batch = batches.pop() if turn % 2 else batches.popleft()
            for embedded in step.put(batch, keys):
                self._add(staged, embedded, advance)

    def finish(self, staged: CollectionInfo, advance: Advance) -> None:
        """Bring in what the step still has in hand."""
        if self.step:
            for embedded in self.step.rest():
                self._add(staged, embedded, advance)

    def _add(self, staged: CollectionInfo, embedded: Batch, advance: Advance) -> None:
        rows, vectors = embedded
        self._write(staged, rows, vectors)
        self.fresh.add([row.id for row in rows])
        advance(len(rows))

    def embed_first(self, staged: CollectionInfo, rows: Sequence[Row]) -> None:
        """Embed and write them in this process, whoever embeds the others."""
        self.first = frozenset(row.id for row in rows)
        for embedded in InThisProcess(self.model).put(list(rows), None):
            self._add(staged, embedded, lambda rows: None)

    def remove_extra(self, staged: CollectionInfo, rows: int) -> None:
        """What an earlier run had written and the source no longer has."""
        if self.chroma.count(staged) == rows:
            return
        extra: list[str] = []
        for page in self.chroma.pages(staged):
            extra += set(page.ids) - self.source.holds(page.ids)
        for start in range(0, len(extra), IDS_PER_DELETE):
            self.chroma.delete(staged, extra[start : start + IDS_PER_DELETE])

    def _copy(
        self,
        owner: CollectionInfo | None,
        staged: CollectionInfo,
        rows: list[Row],
        to_embed: list[Row],
    ) -> int:
        """Write `rows` with the vectors that `owner` has; those it has lost go into `to_embed`."""
        vectors = self._vectors(owner, rows)
        with_vector = [row for row in rows if row.id in vectors]
        to_embed += [row for row in rows if row.id not in vectors]
        if with_vector:
            self._write(staged, with_vector, np.stack([vectors[row.id] for row in with_vector]))
        return len(with_vector)

    def _take_over(self, staged: CollectionInfo, rows: list[Row]) -> list[Row]:
        """Write those of `rows` that a lender has a vector of; returns the others."""
        lent, vectors, others = self.lent.take(rows)
        if lent:
            self._write(staged, lent, vectors)
        self.copied += len(lent)
        return others

    def _write(self, staged: CollectionInfo, rows: Sequence[Row], vectors: np.ndarray) -> None:
        ids, metadatas = [row.id for row in rows], [row.metadata for row in rows]
        self.chroma.upsert(
            staged,
            ids=ids,
            vectors=vectors,
            documents=[row.content for row in rows],
            metadatas=metadatas,
            uris=[row.uri for row in rows],
        )
        remove_leaked_keys(self.chroma, staged, ids, metadatas)

    def _records(self, info: CollectionInfo | None, rows: Sequence[Row]) -> dict[str, StoredRecord]:
        if info is None:
            return {}
        raw = self.chroma.get(
            info, ids=[row.id for row in rows], include=("documents", "metadatas", "uris")
        )
        blank: list[None] = [None] * len(raw["ids"])
        columns = [raw.get(key) or blank for key in ("documents", "metadatas", "uris")]
        return {
            record: (document, canonical(metadata), uri)
            for record, document, metadata, uri in zip(raw["ids"], *columns, strict=True)
        }

    def _vectors(self, info: CollectionInfo | None, rows: list[Row]) -> dict[str, np.ndarray]:
        """Those that can be had: a sick index answers 500, and its documents are embedded again."""
        if info is None or not rows:
            return {}
        try:
            raw = self.chroma.get(info, ids=[row.id for row in rows], include=("embeddings",))
        except CallFailed as error:
            if error.status == 0:
                raise
            return {}
        pairs = zip(raw["ids"], raw.get("embeddings") or [], strict=False)
        return {id_: np.asarray(vector, np.float32) for id_, vector in pairs if vector is not None}
