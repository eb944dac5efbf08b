"""The records and collections that no export can hold, and a view of a server without them.

One NaN vector of an old client, or one collection without segments, must not keep the rest from being
exported (chroma 7420, 3474).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.unreadable_vectors import page_despite_lost_vectors
from chromadrill.core.model import JSON, CollectionInfo, Page, Scope

NAMED = 5  # records that a sentence names


@dataclass(frozen=True, slots=True)
class Damage:
    """What cannot be exported. `collections`: key -> why; `records`: key -> record id -> why."""

    collections: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.collections or self.records)

    def that_lasts(self, later: Damage) -> Damage:
        """Return what is damaged in a later look, too; of another kind by then, it is that."""
        records = {
            key: {
                record: why
                for record, why in damaged.items()
                if key not in self.records or record in self.records[key]
            }
            for key, damaged in later.records.items()
        }
        return Damage(
            later.collections, {key: lasting for key, lasting in records.items() if lasting}
        )

    def sentence(self) -> str:
        """Return what is damaged, each collection with its first records."""
        parts = [f"{key}: {reason}" for key, reason in self.collections.items()]
        for key, records in self.records.items():
            names = [f"record '{record}' {why}" for record, why in list(records.items())[:NAMED]]
            more = len(records) - NAMED
            parts.append(f"{key}: {', '.join(names)}" + (f" and {more} more" if more > 0 else ""))
        return "; ".join(parts)


NO_DAMAGE = Damage()


def find_damage(chroma: Chroma, infos: Sequence[CollectionInfo]) -> Damage:
    """Read every record of `infos` and return what is damaged. Raises CallFailed without access.

    What a client just adds or deletes looks damaged for a moment: what is damaged, is so twice. A
    collection that was dropped meanwhile is not damaged.
    """
    first = _look(chroma, infos)
    suspects = [info for info in infos if info.key in {*first.collections, *first.records}]
    return first.that_lasts(_look(chroma, suspects)) if suspects else first


def _look(chroma: Chroma, infos: Sequence[CollectionInfo]) -> Damage:
    collections: dict[str, str] = {}
    records: dict[str, dict[str, str]] = {}
    for info in infos:
        try:
            damaged = _damaged_records(chroma, info)
        except CallFailed as error:
            if error.status == 0 or error.is_access:
                raise
            if error.is_missing and info.id not in {
                one.id for one in chroma.collections(info.scope)
            }:
                continue
            collections[info.key] = f"cannot be read: {error}"
            continue
        if damaged:
            records[info.key] = damaged
    return Damage(collections, records)


def _damaged_records(chroma: Chroma, info: CollectionInfo) -> dict[str, str]:
    chroma.count(info)
    damaged: dict[str, str] = {}
    sound: np.ndarray | None = None
    for page in _pages(chroma, info):
        lost = set(page.without_vector)
        finite = np.isfinite(page.vectors).all(axis=1)
        for row, record in enumerate(page.ids):
            if row in lost:
                damaged[record] = "has no vector"
            elif not finite[row]:
                damaged[record] = "has a vector that holds NaN or infinity"
            elif sound is None:
                sound = page.vectors[row]
    if sound is not None:
        chroma.query(info, sound[None, :], n_results=1)
    return damaged


def _pages(chroma: Chroma, info: CollectionInfo, size: int | None = None) -> Iterator[Page]:
    read = 0
    try:
        for page in chroma.pages(info, size=size):
            read += len(page.ids)
            yield page
    except CallFailed as error:
        if error.status == 0 or error.is_access:
            raise
        yield from page_despite_lost_vectors(chroma, info, offset=read)


class SoundPart(Chroma):
    """The same server without what is damaged: neither listed, counted, read nor answered."""

    def __init__(self, chroma: Chroma, damage: Damage) -> None:
        self.__dict__.update(chroma.__dict__)  # one connection, and its owner closes it
        self._whole, self._damage = chroma, damage

    def collections(self, scope: Scope) -> list[CollectionInfo]:
        """Return the collections of a database that can be read."""
        infos = self._whole.collections(scope)
        return [info for info in infos if info.key not in self._damage.collections]

    def count(self, collection: CollectionInfo) -> int:
        """Return the number of sound records."""
        return self._whole.count(collection) - len(self._skipped(collection))

    def get(self, collection: CollectionInfo, **options: Any) -> JSON:
        """Return the raw answer without damaged records."""
        raw = self._whole.get(collection, **options)
        keep = [row for row, id_ in enumerate(raw["ids"]) if id_ not in self._skipped(collection)]
        columns = ("ids", "embeddings", "documents", "metadatas", "uris")
        return raw | {
            name: [raw[name][row] for row in keep] for name in columns if raw.get(name) is not None
        }

    def matching_ids(self, collection: CollectionInfo, **options: Any) -> memoryview:
        """Return the ids of sound records that pass, as the JSON text of a list."""
        return memoryview(orjson.dumps(self.get(collection, include=(), **options)["ids"]))

    def query(self, collection: CollectionInfo, vectors: np.ndarray, **options: Any) -> JSON:
        """Return neighbours without damaged records."""
        raw = self._whole.query(collection, vectors, **options)
        skipped = self._skipped(collection)
        if not skipped:
            return raw
        pairs = [
            [(id_, near) for id_, near in zip(ids, distances, strict=True) if id_ not in skipped]
            for ids, distances in zip(raw["ids"], raw["distances"], strict=True)
        ]
        return raw | {
            "ids": [[id_ for id_, _ in row] for row in pairs],
            "distances": [[near for _, near in row] for row in pairs],
        }

    def pages(self, collection: CollectionInfo, *, size: int | None = None) -> Iterator[Page]:
        """Yield every sound record; a page may be shorter than `size`."""
        skipped = self._skipped(collection)
        if not skipped:
            yield from self._whole.pages(collection, size=size)
            return
        for page in _pages(self._whole, collection, size):
            yield _without(page, skipped)

    def page(self, collection: CollectionInfo, *, limit: int, offset: int) -> Page:
        """Return the sound records of a page."""
        page = self._whole.page(collection, limit=limit, offset=offset)
        return _without(page, self._skipped(collection))

    def _skipped(self, collection: CollectionInfo) -> Mapping[str, str]:
        return self._damage.records.get(collection.key, {})


def _without(page: Page, skipped: Mapping[str, str]) -> Page:
    """Return the page without some records."""
    return page.rows([row for row, record in enumerate(page.ids) if record not in skipped])
