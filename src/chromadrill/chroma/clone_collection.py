"""A new collection that lists and answers as another one did, created via the v2 API.

Measured on 1.5.9. The `schema` is the fullest description (batch_size, num_threads and the indexes
of single keys are in it alone), but three things are not taken from it at creation:

* A schema that differs from the default only by embedding_function "default" or num_threads counts
  as none. These two are set by an update of the configuration afterwards.
* Metadata with `hnsw:*` keys beside a schema are refused (400), or, beside a default schema, obeyed.
  So metadata always follow in an update, which obeys nothing.
* A collection created before 1.0 lists the defaults whatever it uses; its metadata say what it uses.
  No call creates one again that lists l2 and answers cosine: the copy lists what it really uses.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from chromadrill.chroma.api_values import collection_info, space_of
from chromadrill.chroma.client import CallFailed, Chroma, scope_path
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

    `info.space` is the metric of its queries (`distance_metric.true_space`). The first record sets
    the dimension (`set_dimension`, where there is none). Raises CallFailed for what the server
    refuses. Raises Unavailable for a collection that came out with another metric, after it was
    deleted again.
    """
    path = f"{scope_path(scope)}/collections"
    copy = _post(chroma, path, name, info)
    try:
        update = _update(info, copy)
        if update:
            # safe on a new one; on a collection of 0.6 an update of `hnsw` breaks its metric
            chroma.call("PUT", f"{path}/{copy.id}", update)
        space = space_of(None, copy.configuration)
        if space != info.space:
            raise Unavailable(
                f"{info.key} answers by {info.space}, but can only be created with {space}."
            )
        return dataclasses.replace(chroma.collection(scope, name), space=info.space)
    except DrillError:
        chroma.delete_collection(scope, name)
        raise


def set_dimension(chroma: Chroma, collection: CollectionInfo, dimension: int) -> None:
    """Give an empty collection its dimension, by a record that is written and removed."""
    vector = np.zeros((1, dimension), np.float32)
    vector[0, 0] = 1
    chroma.upsert(collection, ids=["chromadrill-dimension"], vectors=vector)
    chroma.delete(collection, ["chromadrill-dimension"])


def _post(chroma: Chroma, path: str, name: str, info: CollectionInfo) -> CollectionInfo:
    def create(**settings: JSON) -> CollectionInfo:
        return chroma.read(collection_info, "POST", path, {"name": name, **settings})

    legacy = _legacy_settings(info)
    if legacy:
        return create(configuration={"hnsw": legacy})
    if info.schema:
        try:
            return create(schema=info.schema)
        except CallFailed as error:  # stricter than a configuration: sync_threshold 1 is refused
            if error.status != 400 or not info.configuration:
                raise
    # "spann": null and "embedding_function": null are taken; "schema" beside it is refused
    return create(configuration=info.configuration or {})


def _update(info: CollectionInfo, copy: CollectionInfo) -> JSON:
    """What creation did not take: metadata, an embedding function, index settings."""
    update: JSON = {"new_metadata": info.metadata} if info.metadata else {}
    wanted, actual = info.configuration or {}, copy.configuration or {}
    configuration: JSON = {}
    function = wanted.get("embedding_function")
    if function and function != actual.get("embedding_function"):
        configuration["embedding_function"] = function
    if not _legacy_settings(info):
        index, actual_index = _vector_index(info.schema), _vector_index(copy.schema)
        hnsw = {
            key: index[key]
            for key in _ADJUSTABLE
            if key in index and index[key] != actual_index.get(key)
        }
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
            setting: metadata[key]
            for key, setting in _LEGACY.items()
            if type(metadata.get(key)) in _NUMBER
        },
    }


_NUMBER = (int, float)  # not bool


def _vector_index(schema: JSON | None) -> JSON:
    keys = (schema or {}).get("keys") or {}
    index = ((keys.get("#embedding") or {}).get("float_list") or {}).get("vector_index") or {}
    return dict((index.get("config") or {}).get("hnsw") or {})
