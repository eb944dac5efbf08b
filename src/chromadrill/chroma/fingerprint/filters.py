"""Metadata filters: chosen from real records, evaluated here, compared with the server's answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt
from typing import Any

from chromadrill.core.model import JSON

MAX_FILTERS = 7
_ORDER: dict[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}


def choose_filters(metadatas: Sequence[JSON | None]) -> list[JSON]:
    """Return up to MAX_FILTERS filters over the keys of a sample, a kind for each type of value."""
    values: dict[str, list[Any]] = {}
    for metadata in metadatas:
        for key, value in (metadata or {}).items():
            if isinstance(value, float) and not math.isfinite(value):
                continue  # no JSON: neither a fingerprint nor a question can hold it
            if type(value) in (str, int, float, bool):
                values.setdefault(key, []).append(value)
    filters: list[JSON] = []
    for key in sorted(values):
        middle = sorted(values[key], key=repr)[len(values[key]) // 2]
        if isinstance(middle, bool | str):
            filters.append({key: middle})
        else:
            filters.append({key: {"$gte" if isinstance(middle, int) else "$lt": middle}})
    for key in sorted(values):
        texts = sorted({value for value in values[key] if isinstance(value, str)})[:2]
        if len(texts) == 2:
            filters.insert(0, {key: {"$in": texts}})
            filters.insert(1, {key: {"$ne": texts[0]}})
            break
    if len(filters) > 3:
        filters.insert(0, {"$and": [filters[2], filters[3]]})
    return filters[:MAX_FILTERS]


def matches(where: JSON, metadata: JSON | None) -> bool:
    """Whether a record passes the filter, by the server's rules.

    Types are strict: 7 is not 7.0. But an order holds among all numbers: for integers a limit such as
    1.5 is cut to 1, so `$lt 1.5` leaves 1 out and `$gte 1.5` takes it in (measured: 4 operators x 14
    limits over 19 numbers). A record without the key passes `$ne`.
    """
    for key, wanted in where.items():
        if key == "$and":
            if not all(matches(part, metadata) for part in wanted):
                return False
        elif not _passes(wanted, (metadata or {}).get(key)):
            return False
    return True


def _passes(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return type(value) is type(wanted) and value == wanted
    ((operator, limit),) = wanted.items()
    if operator == "$in":
        return any(type(value) is type(item) and value == item for item in limit)
    if operator == "$ne":
        return not (type(value) is type(limit) and value == limit)
    if type(value) not in (int, float) or type(limit) not in (int, float):
        return False  # older fingerprints hold null where the limit was infinite
    return _ORDER[operator](value, math.trunc(limit) if type(value) is int else limit)
