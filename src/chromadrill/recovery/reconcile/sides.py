"""The two sides of a comparison as sorted streams, and what one row or record is, read by its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.digests import canonical, digest, record_table
from chromadrill.chroma.fingerprint.unreadable_vectors import page_despite_lost_vectors
from chromadrill.core.memory import without_cycle_search
from chromadrill.core.model import JSON, CollectionInfo, Page
from chromadrill.core.progress import Advance
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool
from chromadrill.core.records.streams import Records
from chromadrill.recovery.reconcile.candidates import IDS
from chromadrill.recovery.sources.rows import Row, RowSource
from chromadrill.recovery.verify import row_table

PAGE = 1000
IDS_PER_PAGE = 10_000  # a listing without anything else: 40 bytes a record


class ReadableSource(RowSource, Protocol):
    """A source that can be asked for rows by their ids."""

    def rows_of(self, ids: Sequence[str]) -> list[Row]: ...


class OpenSource(Protocol):
    """Opens the source anew: each time it shows the state of that moment."""

    def __call__(self) -> AbstractContextManager[ReadableSource]: ...


@dataclass(frozen=True, slots=True)
class Content:
    """What a row or a record says, the vector left out. `document`: digest of the text."""

    document: bytes | None
    metadata: str | None
    uri: bytes | None


def content_of(text: str | None, metadata: JSON | None, uri: str | None) -> Content:
    return Content(_digest(text), canonical(metadata), _digest(uri))


def _digest(text: str | None) -> bytes | None:
    return None if text is None else digest(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as it is now. `vector`: float32 (dimension), None where none can be read."""

    text: str | None
    content: Content
    vector: np.ndarray | None

    @property
    def has_direction(self) -> bool:
        vector = self.vector
        return vector is not None and bool(np.isfinite(vector).all() and vector.any())


def sorted_rows(source: RowSource, advance: Advance) -> Records:
    """Digests of all rows of the source."""
    sorter = Sorter(Spool())
    with without_cycle_search():
        for rows in source.rows():
            sorter.add(row_table(rows))
            advance(len(rows))
    return sorter.records()


def sorted_records(chroma: Chroma, info: CollectionInfo, advance: Advance) -> Records:
    """Digests of all records; vectors that a sick index does not give are null."""
    sorter = Sorter(Spool())
    with without_cycle_search():
        for page in _pages(chroma, info):
            sorter.add(record_table(page))
            advance(len(page.ids))
    return sorter.records()


def _pages(chroma: Chroma, info: CollectionInfo) -> Iterator[Page]:
    read = 0
    try:
        for page in chroma.pages(info):
            read += len(page.ids)
            yield page
    except CallFailed as error:
        if error.status == 0 or error.is_access or error.is_missing:
            raise
        yield from page_despite_lost_vectors(chroma, info, offset=read, size=PAGE)


def sorted_ids(chroma: Chroma, info: CollectionInfo) -> Records:
    """The ids alone, listed once more: what was deleted while pages were read moved others past them."""
    sorter, offset = Sorter(Spool()), 0
    while True:
        ids = chroma.get(info, limit=IDS_PER_PAGE, offset=offset)["ids"]
        if not ids:
            return sorter.records()
        sorter.add(pa.table({"id": pa.array(ids, pa.string())}, schema=IDS))
        offset += len(ids)


def records_of(chroma: Chroma, info: CollectionInfo, ids: Sequence[str]) -> dict[str, StoredRecord]:
    """Those of these records that are there now."""
    include = ("documents", "metadatas", "uris", "embeddings")
    try:
        raw = chroma.get(info, ids=ids, include=include)
    except CallFailed as error:
        if error.status == 0 or error.is_access or error.is_missing:
            raise
        pages = page_despite_lost_vectors(chroma, info, ids=ids)
        return {record: stored for page in pages for record, stored in _stored(page)}
    blank: list[None] = [None] * len(raw["ids"])
    columns = [raw.get(key) or blank for key in include]
    return {
        record: StoredRecord(
            text,
            content_of(text, metadata, uri),
            None if vector is None else np.asarray(vector, np.float32),
        )
        for record, text, metadata, uri, vector in zip(raw["ids"], *columns, strict=True)
    }


def _stored(page: Page) -> Iterator[tuple[str, StoredRecord]]:
    for row, record in enumerate(page.ids):
        vector = None if row in page.without_vector else page.vectors[row]
        text = page.documents[row]
        yield (
            record,
            StoredRecord(text, content_of(text, page.metadatas[row], page.uris[row]), vector),
        )
