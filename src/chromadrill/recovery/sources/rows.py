"""A row of a source, and what of its metadata Chroma can hold.

Measured on Chroma 1.5.9: it takes text, integers of 64 bits, floats, booleans and lists of one of
these; null and an empty list are no value; a list of integers and floats comes back as floats; an
object, a mixed list and a list in a list are refused (422); a larger integer comes back rounded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from chromadrill.core.errors import Refused
from chromadrill.core.model import JSON

_MAX_INTEGER = 1 << 63
_RESERVED = ("#", "$")


@dataclass(frozen=True, slots=True)
class Row:
    """One document. `changed`: whether it changed since the given instant; true where none is given."""

    id: str
    content: str
    metadata: JSON | None = None
    changed: bool = True
    uri: str | None = None

    @property
    def request_bytes(self) -> int:
        """Bytes of the JSON that the row is in a request, its vector left out."""
        return len(orjson.dumps([self.id, self.content, self.metadata, self.uri]))


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys of a source from `first` to `last`, both included, as the source writes them as text."""

    first: str
    last: str


class RowSource(Protocol):
    """What a collection is rebuilt from: one unchanging state, however often it is read."""

    name: str

    def count(self) -> int: ...

    def rows(self) -> Iterator[list[Row]]:
        """All rows, in batches, in flat memory; anew at each call."""
        ...

    def holds(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that the source has."""
        ...


def metadata_of(record: str, value: Any, column: str = "metadata") -> JSON | None:
    """A row's JSON, of that column, as Chroma keeps it, types and all.

    What Chroma has no type for (objects, mixed lists) becomes its JSON text. Raises Refused for
    what would be altered or dropped in silence.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refused(
            f"row '{record}': metadata is no JSON object: {json.dumps(value)[:80]}.",
            next_step="Give it a key: [source] sql, with"
            f" jsonb_build_object('{column}', {column}) as {column}.",
        )
    metadata: JSON = {}
    for key, item in value.items():
        _require_unicode(record, key, key)
        if not key or key.startswith(_RESERVED) or key == "chroma:document":
            raise Refused(f"row '{record}': Chroma keeps no metadata under the key '{key}'.")
        if item is None or item == []:
            continue
        metadata[key] = _value(record, key, item)
    return metadata or None


def _value(record: str, key: str, value: Any) -> Any:
    if isinstance(value, str):
        _require_unicode(record, key, value)
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        if kinds == {int, float}:
            value = [float(item) for item in value]
        elif len(kinds) != 1 or kinds & {dict, list, type(None)}:
            return _text(value)
        return [_value(record, key, item) for item in value]
    if isinstance(value, dict):
        return _text(value)
    if isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
        raise Refused(
            f"row '{record}': metadata '{key}' is {value}, more than 64 bits: it would be rounded.",
            next_step="Keep it as text in the source.",
        )
    if isinstance(value, float):
        if not math.isfinite(value):  # a column of text may say NaN, or 1e400
            what = "no number (NaN)" if math.isnan(value) else "beyond a 64-bit float"
            raise Refused(
                f"row '{record}': metadata '{key}' is {what}: it would be dropped.",
                next_step="Repair the row, or leave it out with [source] sql.",
            )
        return value + 0.0  # -0.0 comes back as 0.0
    return value


def _require_unicode(record: str, key: str, text: str) -> None:
    """Raise Refused for half a surrogate pair: a column of json keeps it, and no request can."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        name = key.encode("utf-8", "backslashreplace").decode()
        raise Refused(
            f"row '{record}': metadata '{name}' holds half a surrogate pair, which is no text.",
            next_step="Repair the row, or leave it out with [source] sql.",
        ) from error


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
