"""What a collection's configuration is, from the columns that hold it on disk.

1.5.9 keeps it in `schema_str` (`config_json_str` is "{}"); 1.0.0 kept it in `config_json_str`;
0.x kept only `hnsw:*` metadata, which the server copied to the VECTOR segment's metadata.
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
_SHOWN = ("ef_construction", "ef_search", "max_neighbors", "resize_factor", "sync_threshold")
_Json = dict[str, Any]


def parse_object(text: object) -> _Json | None:
    """The JSON object in a text column; None for NULL, broken JSON or anything else."""
    try:
        found = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def from_schema(schema: _Json) -> _Json | None:
    """`configuration_json` as the API answers it for this schema; None where it names no index."""
    index = _vector_index(schema)
    if index is None:
        return None
    if isinstance(index.get("spann"), dict):
        return {
            "hnsw": None,
            "spann": {"space": index.get("space") or "l2", **index["spann"]},
            "embedding_function": index.get("embedding_function"),
        }
    given = index.get("hnsw")
    hnsw = {**_HNSW, **(given if isinstance(given, dict) else {})}
    return {
        "hnsw": {"space": index.get("space") or "l2", **{key: hnsw[key] for key in _SHOWN}},
        "spann": None,
        "embedding_function": index.get("embedding_function"),
    }


def schema_from_config(config: _Json) -> _Json:
    """The schema that 1.5.9 answers for a collection that has none on disk (written by 1.0.0)."""
    inner = config.get("vector_index")
    given = dict(inner.get("hnsw") or {}) if isinstance(inner, dict) else {}
    space = given.pop("space", None) or "l2"
    hnsw = {key: given.get(key, value) for key, value in _HNSW.items()}
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
    """The distance space queries use: l2, cosine or ip.

    The server lets `hnsw:space` of the segment's metadata win over a configuration that is all
    defaults, and yet lists that configuration as l2.
    """
    legacy = segment_metadata.get("hnsw:space")
    index = (configuration or {}).get("hnsw") or (configuration or {}).get("spann") or {}
    is_default = all(index.get(key, _HNSW[key]) == _HNSW[key] for key in _SHOWN)
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
