"""Are two metadata the same, as far as a server can keep them?

Measured on Chroma 1.5.9: a float comes back up to 3 units in the last place off, one in eight of those
with 16 and 17 digits, none of those with few. Integers, texts and booleans come back as they were.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

FLOAT_SLACK = 2e-15  # relative: 9 units in the last place


def same_metadata(one: str | None, other: str | None) -> bool:
    """Whether two canonical texts (None: no metadata) say the same: keys, types, values."""
    if one == other:
        return True
    if one is None or other is None:
        return False
    return _same(orjson.loads(one), orjson.loads(other))


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=FLOAT_SLACK)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def other_metadata(one: pa.Table, other: pa.Table, rows: np.ndarray) -> np.ndarray:
    """Those of `rows` whose columns `metadata`, which are not the same text, say another thing."""
    if not len(rows):
        return rows
    pairs = zip(
        one["metadata"].take(rows).to_pylist(),
        other["metadata"].take(rows).to_pylist(),
        strict=True,
    )
    return rows[[not same_metadata(text, another) for text, another in pairs]]
