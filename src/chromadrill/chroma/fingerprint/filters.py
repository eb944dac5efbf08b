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
    """Up to 7 filters over the keys that a sample of records uses, one kind per value type."""
    values: dict[str, list[Any]] = {}
    for metadata in metadatas:
        for key, value in (metadata or {}).items():
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
        words = sorted({v for v in values[key] if isinstance(v, str)})[:2]
        if len(words) == 2:
            filters.insert(0, {key: {"$in": words}})
            filters.insert(1, {key: {"$ne": words[0]}})
            break
    if len(filters) > 3:
        filters.insert(0, {"$and": [filters[2], filters[3]]})
    return filters[:MAX_FILTERS]


def matches(where: JSON, metadata: JSON | None) -> bool:
    """Does a record pass the filter? Types are strict, as the server's are: 7 is not 7.0.

    But an order holds among all numbers, by the server's rule: for integers a limit such as 1.5 is
    cut to 1, so `$lt 1.5` leaves 1 out and `$gte 1.5` takes it in (measured: 4 operators x 14
    limits over 19 numbers).

    A record without the key passes `$ne` (the server's rule).
    """
    for key, wanted in where.items():
        if key == "$and":
            if not all(matches(each, metadata) for each in wanted):
                return False
        elif not _passes(wanted, (metadata or {}).get(key)):
            return False
    return True


def _passes(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return type(value) is type(wanted) and value == wanted
    ((operator, limit),) = wanted.items()
    if operator == "$in":
        return any(type(value) is type(each) and value == each for each in limit)
    if operator == "$ne":
        return not (type(value) is type(limit) and value == limit)
    if type(value) not in (int, float):
        return False
    return _ORDER[operator](value, math.trunc(limit) if type(value) is int else limit)
