"""The JSON of a page of records: its numbers read by Arrow, the rest by orjson.

Nine bytes in ten of a page are the digits of its vectors. As Python floats, in lists of lists, they
cost twice the processor time, and seven times the memory, of the float32 that they end up as.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from chromadrill.core.model import JSON

# the ids are strings: no quote within one comes without a backslash, so that this is the key itself
_START, _END = b'],"embeddings":[[', b"]],"
_COMMA, _OPEN, _CLOSE = b",[]"
_EVERY_SECOND = pa.py_buffer(b"\xaa" * (1 << 16))


def loads(content: bytes) -> Any:
    """Return the value of JSON; in an answer of `get` the embeddings as float32 (n, dimension).

    They are lists where one is null or holds null, and where there is none at all. Raises
    orjson.JSONDecodeError.
    """
    parts = _split(content)
    return orjson.loads(content) if parts is None else parts


def _split(content: bytes) -> JSON | None:
    """An answer whose numbers are read apart from its other columns; None for any other JSON."""
    start = content.find(_START)
    stop = content.find(b'"', start + len(_START))  # of the next key: numbers have no quotes
    if start < 0 or stop < 0 or content[stop - len(_END) : stop] != _END:
        return None
    try:
        columns = orjson.loads(content[: start + 1] + b"," + content[stop:])
    except orjson.JSONDecodeError:
        return None
    rows = len(columns["ids"]) if isinstance(columns.get("ids"), list) else 0
    numbers = pa.py_buffer(content).slice(
        start + len(_START), stop - len(_END) - start - len(_START)
    )
    vectors = _matrix(numbers, rows)
    return None if vectors is None else {**columns, "embeddings": vectors}


def _matrix(text: pa.Buffer, rows: int) -> np.ndarray | None:
    """`1,2],[3,4` as float32 (rows, numbers a row); None where it is anything else."""
    characters = np.frombuffer(text, np.uint8)
    commas = np.flatnonzero(characters == _COMMA).astype(np.int32)
    count = len(commas) + 1
    if not rows or count % rows or len(characters) >= 1 << 31:
        return None
    width = count // rows
    between = commas[width - 1 :: width]  # of `],[`
    if (characters[between - 1] != _CLOSE).any() or (characters[between + 1] != _OPEN).any():
        return None
    # an array of texts has no gaps: what is between two numbers is an element of its own, and null
    offsets = np.empty(2 * count + 1, np.int32)
    offsets[:2], offsets[-1] = 0, len(characters)
    offsets[2:-1:2], offsets[3::2] = commas, commas + 1
    offsets[2 * width : -1 : 2 * width] -= 1
    offsets[2 * width + 1 :: 2 * width] += 1
    texts = pa.StringArray.from_buffers(
        2 * count, pa.py_buffer(offsets), text, _odd(2 * count), count
    )
    try:
        numbers = texts.cast(pa.float32())
    except pa.ArrowInvalid:
        return None
    both = np.frombuffer(numbers.buffers()[1], np.float32)
    return both[1 : 2 * count : 2].copy().reshape(rows, width)


def _odd(count: int) -> pa.Buffer:
    """A bitmap in which every second one of `count` elements is there."""
    size = (count + 7) // 8
    return _EVERY_SECOND if size <= len(_EVERY_SECOND) else pa.py_buffer(b"\xaa" * size)
