"""Make a collection over the v2 API that lists and answers as another one did.

Measured on 1.5.9. The `schema` is the fullest description (batch_size, num_threads and the indexes
of single keys are in it alone), but three things are not taken from it at creation:

* a schema that is the default but for embedding_function "default" or num_threads counts as none;
  those are put back by an update of the configuration;
* metadata with `hnsw:*` keys beside a schema is refused (400), or, beside a default schema, obeyed;
  so metadata always follows in an update, which obeys nothing;
* a collection made before 1.0 lists the defaults whatever it uses; its metadata says what. Nothing
  makes one again that lists l2 and answers cosine: its copy lists what it really uses.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma, base, collection_info, space_of
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import JSON, CollectionInfo, Scope

_LEGACY = {
    "hnsw:M": "max_neighbors",
    "hnsw:construction_ef": "ef_construction",
    "hnsw:search_ef": "ef_search",
    "hnsw:sync_threshold": "sync_threshold",
    "hnsw:batch_size": "batch_size",
    "hnsw:num_threads": "num_threads",
    "hnsw:resize_factor": "resize_factor",
}
_ADJUSTABLE = (
    "ef_search", "num_threads", "batch_size", "sync_threshold", "resize_factor", "max_neighbors"
)  # fmt: skip


def create_like(chroma: Chroma, info: CollectionInfo, scope: Scope, name: str) -> CollectionInfo:
    """Create an empty collection `name` in `scope` that is as `info` says, and return it.

    `info.space` is what its queries use (`metric.true_space`). The dimension is set by the first
    record (`set_dimension` where there is none). Raises CallFailed for what the server refuses, and
    Unavailable for one that came out with another metric; it is deleted again then.
    """
    at = f"{base(scope)}/collections"
    made = collection_info(_post(chroma, at, name, info))
    try:
        update = _update(info, made)
        if update:
            # safe on a new one; on a collection of 0.6 an update of `hnsw` breaks its metric
            chroma.call("PUT", f"{at}/{made.id}", update)
        listed = space_of(None, made.configuration)
        if listed != info.space:
            raise Unavailable(
                f"{info.key} answers by {info.space}, but could only be made with {listed}."
            )
        return dataclasses.replace(chroma.collection(scope, name), space=info.space)
    except DrillError:
        chroma.delete_collection(scope, name)
        raise


def set_dimension(chroma: Chroma, made: CollectionInfo, dimension: int) -> None:
    """Give an empty collection its dimension, by a record that comes and goes."""
    vector = np.zeros((1, dimension), np.float32)
    vector[0, 0] = 1
    chroma.upsert(made, ids=["chromadrill-dimension"], vectors=vector)
    chroma.delete(made, ["chromadrill-dimension"])


def _post(chroma: Chroma, at: str, name: str, info: CollectionInfo) -> Any:
    settings = _legacy_settings(info)
    if settings:
        return chroma.call("POST", at, {"name": name, "configuration": {"hnsw": settings}})
    if info.schema:
        try:
            return chroma.call("POST", at, {"name": name, "schema": info.schema})
        except CallFailed as error:  # stricter than a configuration: sync_threshold 1 is refused
            if error.status != 400 or not info.configuration:
                raise
    # "spann": null and "embedding_function": null are taken; "schema" beside it is refused
    return chroma.call("POST", at, {"name": name, "configuration": info.configuration or {}})


def _update(info: CollectionInfo, made: CollectionInfo) -> JSON:
    """What creation did not take: metadata, an embedding function, index settings."""
    update: JSON = {"new_metadata": info.metadata} if info.metadata else {}
    wanted, got = info.configuration or {}, made.configuration or {}
    configuration: JSON = {}
    record = wanted.get("embedding_function")
    if record and record != got.get("embedding_function"):
        configuration["embedding_function"] = record
    if not _legacy_settings(info):
        want, have = _vector_index(info.schema), _vector_index(made.schema)
        hnsw = {key: want[key] for key in _ADJUSTABLE if key in want and want[key] != have.get(key)}
        if hnsw:
            configuration["hnsw"] = hnsw
    if configuration:
        update["new_configuration"] = configuration
    return update


def _legacy_settings(info: CollectionInfo) -> JSON | None:
    """The index settings of a collection whose listing does not decide; None for any other."""
    if info.listing_decides:
        return None
    metadata = info.metadata or {}
    return {
        "space": info.space,
        **{
            ours: metadata[key]
            for key, ours in _LEGACY.items()
            if type(metadata.get(key)) in _NUMBER
        },
    }


_NUMBER = (int, float)  # not bool


def _vector_index(schema: JSON | None) -> JSON:
    keys = (schema or {}).get("keys") or {}
    index = ((keys.get("#embedding") or {}).get("float_list") or {}).get("vector_index") or {}
    return dict((index.get("config") or {}).get("hnsw") or {})
