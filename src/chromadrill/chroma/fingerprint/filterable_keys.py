"""The questions that a collection's schema allows: an index that is off answers 400, without fault."""

from __future__ import annotations

from typing import Any

from chromadrill.core.model import JSON

_INDEX = {
    str: ("string", "string_inverted_index"),
    bool: ("bool", "bool_inverted_index"),
    int: ("int", "int_inverted_index"),
    float: ("float", "float_inverted_index"),
}


def filterable(schema: JSON | None, metadata: JSON | None) -> JSON | None:
    """Return the part of a record's metadata that may be filtered by."""
    if not schema or not metadata:
        return metadata
    return {
        key: value
        for key, value in metadata.items()
        if type(value) not in _INDEX or _is_enabled(schema, key, *_INDEX[type(value)])
    }


def is_searchable(schema: JSON | None) -> bool:
    """Whether `$contains` may be asked of documents."""
    return _is_enabled(schema or {}, "#document", "string", "fts_index", default=True)


def _is_enabled(schema: JSON, key: str, kind: str, index: str, *, default: bool = True) -> bool:
    keyed = (schema.get("keys") or {}).get(key) or {}
    for place in (keyed, schema.get("defaults") or {}):
        setting: Any = (place.get(kind) or {}).get(index)
        if isinstance(setting, dict) and "enabled" in setting:
            return bool(setting["enabled"])
    return default
