"""The ids in an answer of `get`, as JSON text: a million of them are 20 MB, as Python strings 80."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from chromadrill.chroma.api_values import records

SLICE_BYTES = 1 << 20  # of text that is decoded at a time
# a quote within an id comes with a backslash, so that these are the keys themselves
_START, _END = b'{"ids":[', b'],"embeddings":null'


def loads(content: bytes) -> Any:
    """Return the value of JSON; of an answer of `get` with nothing included only the text of its ids.

    Raises orjson.JSONDecodeError.
    """
    stop = content.rfind(_END)
    if content.startswith(_START) and content.endswith(b"}") and stop > 0:
        return memoryview(content)[len(_START) - 1 : stop + 1]
    return orjson.loads(content)


def ids_text(value: Any) -> memoryview:
    """Return the text of the ids in what `loads` returned. Raises KeyError or TypeError."""
    return (
        value if isinstance(value, memoryview) else memoryview(orjson.dumps(records(value)["ids"]))
    )


def id_slices(text: memoryview) -> Iterator[list[str]]:
    """Yield the ids of a list in JSON text, some at a time. Raises orjson.JSONDecodeError."""
    start, end = 1, len(text) - 1
    while start < end:
        stop = min(start + SLICE_BYTES, end)
        if stop == end:
            yield orjson.loads(b"[" + bytes(text[start:end]) + b"]")
            return
        ids, start = _slice(bytes(text[start:stop]), start)
        yield ids


def _slice(part: bytes, start: int) -> tuple[list[str], int]:
    """The ids in a part of a list, without the last one, which may be cut; and where that begins.

    A comma between quotes may be within an id. Then what is before it has a quote too many: no JSON.
    """
    cut = part.rfind(b'","')
    while cut > 0:
        try:
            return orjson.loads(b"[%b]" % part[: cut + 1]), start + cut + 2
        except orjson.JSONDecodeError:
            cut = part.rfind(b'","', 0, cut)
    raise orjson.JSONDecodeError(
        "no end of an id in a slice", part[:100].decode(errors="replace"), 0
    )
