"""Metadata filters: chosen from real records, evaluated here, compared with the server's answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt
from typing import Any

import numpy as np

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


class MetadataColumns:
    """The metadata of n records, asked by any number of filters; each key is looked up once."""

    def __init__(self, metadatas: Sequence[JSON | None]) -> None:
        self._metadatas: list[JSON] = [metadata or {} for metadata in metadatas]
        self._columns: dict[str, list[Any]] = {}
        self._masks: dict[str, np.ndarray] = {}

    def mask(self, where: JSON) -> np.ndarray:
        """Return which records pass the filter, bool (n,), by the server's rules.

        Types are strict: 7 is not 7.0. But an order holds among all numbers: for integers a limit such
        as 1.5 is cut to 1, so `$lt 1.5` leaves 1 out and `$gte 1.5` takes it in (measured: 4 operators
        x 14 limits over 19 numbers). A record without the key passes `$ne`.
        """
        name = repr(where)
        if name not in self._masks:
            self._masks[name] = self._all_of(where)
        return self._masks[name]

    def _all_of(self, where: JSON) -> np.ndarray:
        whole = np.ones(len(self._metadatas), bool)
        for key, wanted in where.items():
            if key == "$and":
                for part in wanted:
                    whole &= self.mask(part)
            else:
                whole &= np.array(_passes(wanted, self._column(key)), bool)
        return whole

    def _column(self, key: str) -> list[Any]:
        if key not in self._columns:
            self._columns[key] = [metadata.get(key) for metadata in self._metadatas]
        return self._columns[key]


def _passes(wanted: Any, values: Sequence[Any]) -> list[bool]:
    if not isinstance(wanted, dict):
        return _equal(wanted, values)
    ((operator, limit),) = wanted.items()
    if operator == "$in":
        columns = [_equal(item, values) for item in limit]
        return [any(row) for row in zip(*columns, strict=True)] or [False] * len(values)
    if operator == "$ne":
        return [not equal for equal in _equal(limit, values)]
    if type(limit) not in (int, float):
        return [False] * len(values)  # older fingerprints hold null where the limit was infinite
    order, whole = _ORDER[operator], math.trunc(limit)
    return [
        order(value, whole) if type(value) is int else type(value) is float and order(value, limit)
        for value in values
    ]


def _equal(wanted: Any, values: Sequence[Any]) -> list[bool]:
    kind = type(wanted)
    return [type(value) is kind and value == wanted for value in values]
