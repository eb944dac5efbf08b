"""The write canary: can this copy still be written to, and is what was written found again?

It runs on a private copy or in a collection of our own only: it writes one record and removes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.filterable_keys import filterable, is_searchable
from chromadrill.core.model import JSON, CollectionInfo, ReadError

ID = "chromadrill-canary"
DOCUMENT = "chromadrill canary sings in the mine"


def write_canary(
    chroma: Chroma, collections: Sequence[CollectionInfo], counts: Mapping[str, int]
) -> list[ReadError]:
    """Write, read, search and remove one record in every collection that has a dimension.

    `counts`: records of each collection by its key, before the write. An empty result means that all
    collections took the record. A watermark that is too high swallows new writes with status 200:
    only this sees it.
    """
    errors: list[ReadError] = []
    unanswered = 0
    for info in collections:
        if not info.dimension:
            continue  # an empty collection would keep the canary's dimension for ever
        try:
            wrong = _write_one(chroma, info, counts.get(info.key))
        except CallFailed as error:
            wrong = str(error)
            unanswered += error.status == 0
        except (KeyError, IndexError, TypeError) as error:
            wrong = f"strange answer: {error!r}"
        if wrong:
            errors.append(ReadError("canary", info.key, wrong))
        if unanswered >= 2:
            break
    return errors


def _write_one(chroma: Chroma, info: CollectionInfo, count: int | None) -> str:
    metadata, where = _metadata(chroma, info)
    vector = np.ones((1, info.dimension or 1), np.float32)
    chroma.upsert(info, ids=[ID], vectors=vector, documents=[DOCUMENT], metadatas=[metadata])
    try:
        if count is not None and chroma.count(info) != count + 1:
            return f"wrote one record, and the count is {chroma.count(info)} after {count}"
        raw = chroma.get(info, ids=[ID], include=("documents", "embeddings", "metadatas"))
        if raw["ids"] != [ID] or raw["documents"] != [DOCUMENT]:
            return "the record just written is not there"
        if not np.allclose(raw["embeddings"][0], vector[0], rtol=1e-5):
            return "the vector just written came back as another"
        if where and ID not in chroma.get(info, where=where)["ids"]:
            return "the record just written passes no filter"
        words: JSON = {"$contains": DOCUMENT[3:20]}
        if is_searchable(info.schema) and ID not in chroma.get(info, where_document=words)["ids"]:
            return "the words just written are not found"
        # that it is among its own nearest is not asked: a right index may miss a lonely vector
        if not chroma.query(info, vector, n_results=3)["ids"][0]:
            return "a search after the write finds nothing"
    finally:
        chroma.delete(info, [ID])
    if chroma.get(info, ids=[ID])["ids"]:
        return "the record just removed is still there"
    return ""


def _metadata(chroma: Chroma, info: CollectionInfo) -> tuple[JSON | None, JSON | None]:
    """A key that the collection knows already, since a new one would change its schema.

    And one that its schema lets be filtered by: an index that is off answers 400, without fault.
    """
    raw = chroma.get(info, include=("metadatas",), limit=50)
    for metadata in raw.get("metadatas") or []:
        for key, value in (filterable(info.schema, metadata) or {}).items():
            if type(value) in (str, int, bool):
                return {key: value}, {key: value}
    return None, None
