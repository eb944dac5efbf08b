"""The JSON values of Chroma's v2 API as ours: collections, their metric, pages of records.

For a value of another form each function raises KeyError, TypeError, ValueError or AttributeError.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from chromadrill.core.model import JSON, CollectionInfo, Page

COLUMNS = ("documents", "metadatas", "embeddings")  # of every answer about records


def heartbeat(raw: Any) -> int:
    """Return the nanoseconds since 1970 of a heartbeat."""
    return int(raw["nanosecond heartbeat"])


def json_object(raw: Any) -> JSON:
    """Return the answer, where it is an object."""
    if not isinstance(raw, dict):
        raise TypeError(f"an object is wanted, got {type(raw).__name__}")
    return raw


def count(raw: Any) -> int:
    """Return the answer to `count`, where it is a number."""
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise TypeError(f"a number of records is wanted, got {raw!r:.80}")
    return raw


def names(rows: Any) -> list[str]:
    """Return the names in a list of databases."""
    return [row["name"] for row in _json_list(rows)]


def records(raw: Any) -> JSON:
    """Return the answer to `get`: every column is there, None where it was not asked for."""
    return _answer(raw, str)


def neighbours(raw: Any) -> JSON:
    """Return the answer to `query`."""
    return _answer(raw, list)


def of_rows(raw: JSON, rows: int) -> JSON:
    """Return the answer to `query`, where it has a list for each row that was asked about."""
    if len(raw["ids"]) != rows:
        raise ValueError(f"{rows} lists of ids are wanted, got {len(raw['ids'])}")
    return raw


def _answer(raw: Any, kind: type) -> JSON:
    if not all(isinstance(one, kind) for one in raw["ids"]):
        raise TypeError(f"ids: a list of {kind.__name__} is wanted")
    missing = [column for column in COLUMNS if column not in raw]
    if missing:
        raise KeyError(*missing)
    return json_object(raw)


def collection_infos(rows: Any) -> list[CollectionInfo]:
    """Return the elements of the answer to GET collections."""
    return [collection_info(row) for row in _json_list(rows)]


def _json_list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError(f"a list is wanted, got {type(raw).__name__}")
    return raw


def collection_info(raw: JSON) -> CollectionInfo:
    """Return one element of the answer to GET collections. Raises KeyError for anything else."""
    metadata, configuration = raw.get("metadata"), raw.get("configuration_json")
    if "hnsw_configuration" in (configuration or {}):
        configuration = None  # up to 1.0 that is the bare defaults, whatever it uses (measured)
    info = CollectionInfo(
        id=raw["id"],
        name=raw["name"],
        tenant=raw["tenant"],
        database=raw["database"],
        dimension=raw.get("dimension"),
        metadata=metadata,
        configuration=configuration,
        schema=raw.get("schema"),
        space=space_of(None, configuration),
    )
    if info.listing_decides:
        return info
    return dataclasses.replace(info, space=space_of(metadata, configuration))


def space_of(metadata: JSON | None, configuration: JSON | None) -> str:
    """Return the metric that the metadata name, else the one that the configuration lists.

    It is a guess for a listing that does not decide: `distance_metric.true_space` asks the server.
    """
    legacy = (metadata or {}).get("hnsw:space")
    if isinstance(legacy, str):
        return legacy
    for index in ("hnsw", "spann"):
        settings = (configuration or {}).get(index)
        if settings and settings.get("space"):
            return str(settings["space"])
    return "l2"


def to_page(raw: JSON, dimension: int) -> Page:
    """Return the answer of `get` with everything included, in columns of n records.

    The embeddings are lists, or the matrix of `page_json`. Vectors are float32 (n, dimension); a row
    that the server answers without a vector is zero and named in `without_vector`.
    """
    ids = raw["ids"]
    blank: list[Any] = [None] * len(ids)
    rows, without = raw.get("embeddings"), tuple[int, ...]()
    if not isinstance(rows, np.ndarray):
        rows, without = _rows(rows or blank, dimension)
    width = len(rows[0]) if len(rows) else dimension
    vectors = np.asarray(rows, dtype=np.float32).reshape(len(ids), width)
    return Page(
        ids=ids,
        documents=raw.get("documents") or blank,
        metadatas=raw.get("metadatas") or blank,
        uris=raw.get("uris") or blank,
        vectors=vectors,
        without_vector=without,
    )


def _rows(rows: list[Any], dimension: int) -> tuple[list[Any], tuple[int, ...]]:
    """The rows with zeros in place of each null, and where those are."""
    without = tuple(at for at, row in enumerate(rows) if row is None)
    if without:
        width = dimension or next((len(row) for row in rows if row is not None), 0)
        rows = [row if row is not None else [0.0] * width for row in rows]
    return rows, without
