"""Read what is left: every record with its vector and where that is; what is lost, line by line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from chromadrill.chroma.at_rest import Store, StoreUnreadable
from chromadrill.chroma.at_rest.records import split
from chromadrill.chroma.fingerprint.digests import digest
from chromadrill.core.model import JSON, CollectionInfo, CollectionPrint, Fingerprint, Page
from chromadrill.core.plural import plural
from chromadrill.core.progress import Advance
from chromadrill.recovery.salvage.databases import UNKNOWN_TENANT
from chromadrill.recovery.salvage.findings import CollectionFindings, Findings, Place
from chromadrill.recovery.salvage.known_digests import KnownDigests
from chromadrill.recovery.salvage.readable_store import CONTENT, ReadableStore
from chromadrill.recovery.salvage.segments import is_segment_name, vector_segment
from chromadrill.recovery.salvage.substitution import FoundPage, Substitutes
from chromadrill.recovery.salvage.vector_finder import VectorFinder

PAGE = 1000
CONFIGURED = 10  # of sysdb: before it a collection may have its configuration in its metadata alone


class OtherVectors(NamedTuple):
    """What is taken beside sound vectors: `substitutes`, and doubtful ones where they are asked for."""

    substitutes: Substitutes | None = None
    with_doubtful: bool = False


NO_OTHERS = OtherVectors()
NoteLoss = Callable[[JSON], None]


class WholeRecords:
    """The records of one collection that can be brought back; `findings` are whole once read."""

    def __init__(
        self,
        readable: ReadableStore,
        info: CollectionInfo,
        before: CollectionPrint | None,
        note_loss: NoteLoss,
        taken_at: str | None = None,
        others: OtherVectors = NO_OTHERS,
    ) -> None:
        self._readable, self._before, self._note_loss = readable, before, note_loss
        self._substitutes, self._with_doubtful = others
        self.findings = CollectionFindings(info.key)
        info = self._with_configuration(info)
        self.info = info
        self._finder: VectorFinder | None = None
        try:
            segment = vector_segment(readable.store, info)
            if segment is not None and (reason := self._why_not_followed(segment)):
                self.findings.damage.append(reason)
                segment = None
            self._finder = VectorFinder(
                readable.store,
                info,
                segment,
                has_gaps=readable.has_gaps,
                taken_at=taken_at,
                known_dimension=before.info.dimension if before else None,
            )
        except StoreUnreadable as error:
            self.findings.damage.append(str(error))
            return
        self.info = dataclasses.replace(
            info, dimension=self._finder.dimension or info.dimension or None
        )
        self.findings.damage += self._finder.problems

    def _why_not_followed(self, segment: str) -> str:
        """Why the folder of the index is not read; "" where all of it is in the directory."""
        folder = self._readable.store.path / segment
        if not is_segment_name(segment):
            return "its folder's name is none that a server gives: not followed"
        links = [folder] if self._readable.remains is None else []
        with suppress(OSError):
            links += list(folder.iterdir())
        linked = next((link for link in links if link.is_symlink()), None)
        return f"{linked.name} is a link: not followed" if linked else ""

    def _with_configuration(self, info: CollectionInfo) -> CollectionInfo:
        """The collection as it was made: its metric never changes, so the fingerprint's is true."""
        before, damage = self._before, self.findings.damage
        is_lost = self._readable.remains is not None and not _has_configuration(
            self._readable.store, info
        )
        is_other = (
            before is not None and before.info.id == info.id and (before.info.space != info.space)
        )
        if before is None or not (is_lost or is_other):
            if is_lost:
                damage.append("its configuration is lost: the distance metric is not known")
            return info
        damage.append(f"its configuration is the fingerprint's ({before.info.space})")
        return dataclasses.replace(
            before.info, id=info.id, dimension=info.dimension or before.info.dimension
        )

    def pages(self, advance: Advance) -> Iterator[Page]:
        """Yield the records whose vector is taken, in the order of the store."""
        findings, digests = self.findings, KnownDigests(self._before)
        if self._substitutes is not None and self._finder is not None:
            self._substitutes.prepare(self.info, self._before, self._look_ahead(digests))
        try:
            for found in self._found(digests, self._choose_documents):
                if self._substitutes is not None:
                    found = self._substitutes.fill(found)
                page, vectors, places, proven = found
                findings.records += len(page.ids)
                findings.documents += sum(text is not None for text in page.documents)
                findings.metadatas += sum(bool(metadata) for metadata in page.metadatas)
                findings.places.update(places)
                findings.proven += int(proven.sum())
                taken = self._take(page.ids, vectors, places)
                advance(len(page.ids))
                if taken:
                    yield _rows_of(page, taken, vectors)
        except StoreUnreadable as error:
            findings.damage.append(str(error))
        self._count_lost_values()
        findings.records_lost += digests.missing(self._lose)
        findings.changed += digests.changed

    def _take(self, ids: Sequence[str], vectors: np.ndarray, places: Sequence[Place]) -> list[int]:
        """The rows that are brought back; each other one is listed."""
        taken = []
        for row, (id_, place) in enumerate(zip(ids, places, strict=True)):
            is_taken = place.is_sound
            if place is Place.DOUBTFUL and self._with_doubtful and np.isfinite(vectors[row]).all():
                self.findings.doubtful_taken += 1
                self._lose(id_, "what proves its vector: it is doubtful, and was taken")
                is_taken = True
            elif not is_taken:
                self._lose(id_, f"its vector is {place}")
            if is_taken:
                taken.append(row)
        return taken

    def _found(
        self,
        digests: KnownDigests,
        choose: Callable[[Page, Mapping[str, str], KnownDigests], object],
    ) -> Iterator[FoundPage]:
        """Every record, with what the store itself has of its vector."""
        finder = self._finder
        if finder is None:
            return
        copies = _other_copies(self._readable.store, self.info)
        for page in self._pages():
            choose(page, copies, digests)
            yield FoundPage(page, *finder.find(page.ids, digests.of(page)))

    def _look_ahead(self, digests: KnownDigests) -> Iterator[FoundPage]:
        """The same, once before: nothing is counted or listed."""
        with suppress(StoreUnreadable):  # met again, and counted then
            yield from self._found(digests, _choose_known)
        digests.forget_seen()

    def _pages(self) -> Iterator[Page]:
        records = self._readable.store.records(self.info)
        for page in records.pages(PAGE):
            yield page_of(page)

    def _choose_documents(
        self, page: Page, copies: Mapping[str, str], digests: KnownDigests
    ) -> None:
        """Of a document whose two copies differ, the one that the fingerprint knows."""
        for id_ in _choose_known(page, copies, digests):
            self.findings.documents_doubtful += 1
            self._lose(id_, "which of the two copies of its document is right")

    def _lose(self, id_: str, why: str) -> None:
        self._note_loss({"collection": self.info.key, "id": id_, "lost": why})

    def _count_lost_values(self) -> None:
        """Values of which only the key is left: the tables keep none of null."""
        store = self._readable.store
        segment = store.segment(self.info, "METADATA")
        if self._readable.remains is None or segment is None:
            return
        sql = (
            "SELECT e.embedding_id, m.key FROM embedding_metadata m JOIN embeddings e ON e.id = m.id"
            " WHERE e.segment_id = ? AND m.string_value IS NULL AND m.int_value IS NULL"
            " AND m.float_value IS NULL AND m.bool_value IS NULL"
        )
        for id_, key in store.db.rows(sql, segment.id):
            self.findings.values_lost += 1
            self._lose(str(id_), f"the value of its metadata '{key}'")


def _choose_known(page: Page, copies: Mapping[str, str], digests: KnownDigests) -> list[str]:
    """Put in the copy that the fingerprint knows; returns the ids of which it knows neither."""
    doubtful = []
    for row, id_ in enumerate(page.ids):
        if (copy := copies.get(id_)) is None:
            continue
        known = digests.document(id_)
        if known == digest(copy.encode()):
            page.documents[row] = copy
        elif known is None or known != digest((page.documents[row] or "").encode()):
            doubtful.append(id_)
    return doubtful


def read_all(
    readable: ReadableStore,
    before: Fingerprint | None,
    note_loss: NoteLoss,
    advance: Advance,
    take: Callable[[WholeRecords, Iterator[Page]], None],
    others: OtherVectors = NO_OTHERS,
) -> Findings:
    """Hand every collection with the records that are taken to `take`; returns what was found."""
    findings = Findings(damage=list(_database_damage(readable)), is_paged=bool(readable.remains))
    prints: Mapping[str, CollectionPrint] = before.collections if before else {}
    infos = list(readable.store.collections())
    own = _prints_of(infos, prints)
    for info in infos:
        collection = WholeRecords(
            readable,
            info,
            own.get(info.key),
            note_loss,
            before.taken_at if before else None,
            others,
        )
        pages = collection.pages(advance)
        take(collection, pages)
        for _ in pages:
            pass
        findings.collections.append(collection.findings)
    findings.missing = sorted(prints.keys() - {one.info.key for one in own.values()})
    return findings


def _prints_of(
    infos: Sequence[CollectionInfo], prints: Mapping[str, CollectionPrint]
) -> dict[str, CollectionPrint]:
    """What the fingerprint has of each collection: by its id under any name, else by its name."""
    by_id = {one.info.id: one for one in prints.values()}
    own = {info.key: by_id[info.id] for info in infos if info.id in by_id}
    ids = {one.info.id for one in own.values()}
    for info in infos:
        one = prints.get(info.key)
        if info.key not in own and one is not None and one.info.id not in ids:
            own[info.key] = one
    return own


def _database_damage(readable: ReadableStore) -> Iterator[str]:
    if (remains := readable.remains) is None:
        return
    yield f"chroma.sqlite3 is damaged ({readable.damage}); it was read page by page"
    for table in remains.tables.values():
        if table.damaged_pages:
            yield (
                f"{table.name}: {table.damaged_pages} pages are damaged; {table.from_lost_pages} rows"
                f" were found on other pages, {table.from_hidden_cells + table.from_indexes} by the"
                " indexes"
            )
    if rootless := [table for table in remains.tables.values() if table.is_rootless]:
        yield (
            f"nothing says where {plural(len(rootless), 'table')} begin;"
            f" {sum(table.rows for table in rootless)} rows of them were found"
        )
    if readable.databases_named:
        yield (
            f"the rows of {plural(readable.databases_named, 'database')} are lost: where nothing says"
            f" their names, the collections are in tenant {UNKNOWN_TENANT}"
        )
    if readable.documents_from_text_index:
        yield f"{readable.documents_from_text_index} documents are the full-text table's"
    if readable.queue_entries_lost:
        yield f"{readable.queue_entries_lost} entries of the queue hold no JSON"


def _has_configuration(store: Store, info: CollectionInfo) -> bool:
    sql = (
        "SELECT config_json_str IS NOT NULL OR schema_str IS NOT NULL FROM collections WHERE id = ?"
    )
    if store.db.versions["sysdb"] < CONFIGURED:
        return True  # an older release's: it is in the metadata
    row = store.db.one(sql, info.id)
    return bool(row and row[0])


def _other_copies(store: Store, info: CollectionInfo) -> dict[str, str]:
    """Documents as the full-text table has them, of records whose own table says otherwise."""
    segment = store.segment(info, "METADATA")
    if segment is None or CONTENT not in store.db.tables:
        return {}
    sql = (
        f"SELECT e.embedding_id, t.c0 FROM embeddings e JOIN {CONTENT} t ON t.id = e.id"  # noqa: S608
        " JOIN embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'"
        " WHERE e.segment_id = ? AND m.string_value <> t.c0 AND instr(t.c0, char(0)) = 0"
    )
    return {str(id_): str(text) for id_, text in store.db.rows(sql, segment.id)}


def page_of(records: Sequence[tuple[str, JSON]]) -> Page:
    """A page without vectors of (id, raw metadata)."""
    ids = [id_ for id_, _ in records]
    documents, metadatas, uris = split([raw for _, raw in records])
    none = np.zeros((len(ids), 1), np.float32)
    return Page(ids, documents, metadatas, uris, none, tuple(range(len(ids))))


def _rows_of(page: Page, rows: list[int], vectors: np.ndarray) -> Page:
    return Page(
        [page.ids[row] for row in rows],
        [page.documents[row] for row in rows],
        [page.metadatas[row] for row in rows],
        [page.uris[row] for row in rows],
        vectors[rows],
        (),
    )
