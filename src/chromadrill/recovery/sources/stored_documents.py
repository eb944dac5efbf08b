"""A collection's own documents as a source: for making its embeddings anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo
from chromadrill.recovery.sources.rows import Row

PAGE = 500


class StoredDocuments:
    """The records of `info` without their vectors (a `RowSource`).

    Paging is no snapshot: stop the writers. What changes between two readings is found by the proof.
    """

    def __init__(self, chroma: Chroma, info: CollectionInfo) -> None:
        self.name = f"the documents of {info.key}"
        self._chroma, self._info = chroma, info

    def count(self) -> int:
        return self._chroma.count(self._info)

    def rows(self) -> Iterator[list[Row]]:
        offset = 0
        while True:
            raw = self._chroma.get(
                self._info,
                include=("documents", "metadatas", "uris"),
                limit=PAGE,
                offset=offset,
            )
            ids = raw["ids"]
            if not ids:
                return
            blank: list[None] = [None] * len(ids)
            documents, metadatas, uris = (
                raw.get(key) or blank for key in ("documents", "metadatas", "uris")
            )
            empty = [record for record, text in zip(ids, documents, strict=True) if text is None]
            if empty:
                raise Refused(
                    f"{self._info.key}: {len(empty)} records have no document to embed, first"
                    f" '{empty[0]}'. Nothing was touched.",
                    next_step="Rebuild it from its source: chromadrill rebuild --from-postgresql",
                )
            yield [
                Row(record, text, metadata or None, uri=uri)
                for record, text, metadata, uri in zip(ids, documents, metadatas, uris, strict=True)
            ]
            offset += len(ids)

    def holds(self, ids: Sequence[str]) -> set[str]:
        return set(self._chroma.get(self._info, ids=ids)["ids"])


def stored_documents(chroma: Chroma, infos: Sequence[CollectionInfo], name: str) -> StoredDocuments:
    """Of the collection `name` among `infos`; raises Unavailable where there is none."""
    info = next((info for info in infos if info.name == name), None)
    if info is None:
        raise Unavailable(f"No collection '{name}': its documents are gone with it.")
    return StoredDocuments(chroma, info)
