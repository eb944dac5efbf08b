"""The configuration and schema of a collection, from the columns that hold them on disk.

1.5.9 keeps both in `schema_str` (`config_json_str` is "{}"). 1.0.0 kept them in `config_json_str`.
0.x kept `hnsw:*` metadata only, which the server copied to the VECTOR segment's metadata.
"""

from __future__ import annotations

from typing import Any

import orjson

SPACES = ("l2", "cosine", "ip")
_HNSW = {
    "ef_construction": 100,
    "max_neighbors": 16,
    "ef_search": 100,
    "num_threads": None,
    "batch_size": 100,
    "sync_threshold": 1000,
    "resize_factor": 1.2,
}
_LISTED = ("ef_construction", "ef_search", "max_neighbors", "resize_factor", "sync_threshold")
_Json = dict[str, Any]


def parse_object(text: object) -> _Json | None:
    """Return the JSON object in a text column; None for NULL, broken JSON or anything else."""
    try:
        value = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def from_schema(schema: _Json) -> _Json | None:
    """Return `configuration_json` as the API answers it for this schema; None if it has no index."""
    index = _vector_index(schema)
    if index is None:
        return None
    if isinstance(index.get("spann"), dict):
        return {
            "hnsw": None,
            "spann": {"space": index.get("space") or "l2", **index["spann"]},
            "embedding_function": index.get("embedding_function"),
        }
    settings = index.get("hnsw")
    hnsw = {**_HNSW, **(settings if isinstance(settings, dict) else {})}
    return {
        "hnsw": {"space": index.get("space") or "l2", **{key: hnsw[key] for key in _LISTED}},
        "spann": None,
        "embedding_function": index.get("embedding_function"),
    }


def schema_from_config(config: _Json) -> _Json:
    """Return the schema that 1.5.9 answers for a collection that has none on disk (of 1.0.0)."""
    index = config.get("vector_index")
    settings = dict(index.get("hnsw") or {}) if isinstance(index, dict) else {}
    space = settings.pop("space", None) or "l2"
    hnsw = {key: settings.get(key, value) for key, value in _HNSW.items()}
    if hnsw["num_threads"] is None:
        del hnsw["num_threads"]
    function = config.get("embedding_function")
    extra = {"embedding_function": function} if isinstance(function, dict) else {}
    base = {"space": space, **extra, "hnsw": hnsw}
    keyed = {"space": space, **extra, "source_key": "#document", "hnsw": hnsw}

    def on(enabled: bool, config: _Json | None = None) -> _Json:
        return {"enabled": enabled, "config": config or {}}

    sparse = {"embedding_function": {"type": "unknown"}, "bm25": False}
    return {
        "defaults": {
            "string": {"fts_index": on(False), "string_inverted_index": on(True)},
            "float_list": {"vector_index": on(False, base)},
            "sparse_vector": {"sparse_vector_index": on(False, sparse)},
            "int": {"int_inverted_index": on(True)},
            "float": {"float_inverted_index": on(True)},
            "bool": {"bool_inverted_index": on(True)},
        },
        "keys": {
            "#document": {"string": {"fts_index": on(True), "string_inverted_index": on(False)}},
            "#embedding": {"float_list": {"vector_index": on(True, keyed)}},
        },
    }


def space_in_use(configuration: _Json | None, segment_metadata: _Json) -> str:
    """Return the metric of queries: l2, cosine or ip.

    In the server `hnsw:space` of the segment's metadata wins over a configuration that is all
    defaults, and yet the server lists that configuration as l2.
    """
    legacy = segment_metadata.get("hnsw:space")
    index = (configuration or {}).get("hnsw") or (configuration or {}).get("spann") or {}
    is_default = all(index.get(key, _HNSW[key]) == _HNSW[key] for key in _LISTED)
    space = index.get("space", "l2")
    if space == "l2" and is_default and legacy in SPACES:
        return str(legacy)
    return str(space) if space in SPACES else "l2"


def _vector_index(schema: _Json) -> _Json | None:
    for path in (("keys", "#embedding"), ("defaults",)):
        node: Any = schema
        for key in (*path, "float_list", "vector_index", "config"):
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, dict):
            return node
    return None
