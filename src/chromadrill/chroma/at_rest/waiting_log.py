"""The part of the log that the next server has to take in, judged for whether it can.

A server parses every waiting entry of a collection before it answers one call about it. One entry that
it cannot parse makes every call fail: count, get, query and upsert (measured with 1.5.9).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import orjson

from chromadrill.chroma.at_rest.database import Database
from chromadrill.chroma.at_rest.log import ADD, DELETE, UPSERT, Stretch, entries
from chromadrill.chroma.at_rest.records import DOCUMENT

NAMED = 3  # records that a sentence names
ADVICE = (
    "Restore an older backup, or correct that row of embeddings_queue on a copy, and check the copy with"
    " --serve"
)
_ENCODINGS = ("FLOAT32", "INT32", None)


def waiting_problems(db: Database, stretch: Stretch | None, after: int) -> list[str]:
    """Return why a server cannot take in the entries newer than `after`, as clauses of a sentence."""
    if stretch is None:
        return []
    reasons: dict[str, list[str]] = {}
    columns = "metadata, encoding, vector IS NOT NULL"
    for seq, operation, id_, text, encoding, has_vector in entries(db, stretch, after, columns):
        reason = _refusal(operation, id_, text)
        if not reason and encoding not in _ENCODINGS:
            reason = f"has its vector in an encoding {encoding!r} that Chroma does not have"
        if not reason and operation == UPSERT and not (has_vector and encoding):
            reason = "has lost its vector"
        if reason:
            reasons.setdefault(reason, []).append(f"'{id_}' (seq_id {seq})")
    return [
        f"the log entry of {_some(records)} {reason}; every call about the collection fails. {ADVICE}"
        for reason, records in reasons.items()
    ]


def _some(records: list[str]) -> str:
    more = len(records) - NAMED
    return ", ".join(records[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _refusal(operation: object, id_: object, text: object) -> str | None:
    if operation not in range(ADD, DELETE + 1):
        return f"asks for an operation {operation!r} that Chroma does not have"
    if not isinstance(id_, str):
        return "has an id that is not text"
    if text is None:
        return None
    if not isinstance(text, str):
        return "holds metadata that is not text"
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _why_no_json(text)
    if not isinstance(values, dict):
        return "holds metadata that is not an object"
    return next(_refused_values(values), None)


def _refused_values(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if key == DOCUMENT and not isinstance(value, str):  # a client can set it as a metadata key
            yield f"holds no text under the key '{DOCUMENT}', on which Chroma 1.5.9's compactor ends"
        elif isinstance(value, dict) and {"indices", "values"} <= value.keys():
            yield f"holds a sparse vector under the key '{key}', on which Chroma 1.5.9 panics"
        elif isinstance(value, dict):
            yield f"holds an object under the key '{key}', which is no metadata value"
        elif isinstance(value, list) and not _is_list_of_one_kind(value):
            yield f"holds a list of several kinds under the key '{key}', which is no metadata value"
        elif not _is_finite(value):
            yield f"holds a number that is not finite under the key '{key}', which is no JSON"


def _is_list_of_one_kind(items: list[Any]) -> bool:
    # integers and floats together, and beyond 64 bits, are taken in (measured); null is not
    kinds = {"number" if type(item) in (int, float) else type(item) for item in items}
    return len(kinds) <= 1 and kinds <= {"number", str, bool}


class _NotFinite(Exception):
    """A NaN or an infinity, which Python writes into JSON and no other parser reads."""


def _why_no_json(text: str) -> str:
    def refuse(constant: str) -> NoReturn:
        raise _NotFinite(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except _NotFinite as error:
        key = next((key for key, value in _pairs(text) if not _is_finite(value)), "?")
        return f"holds {error} under the key '{key}', which is no JSON"
    except (ValueError, RecursionError):
        pass
    return "holds metadata that is not JSON"


def _pairs(text: str) -> list[tuple[str, Any]]:
    values = json.loads(text)
    return list(values.items()) if isinstance(values, dict) else []


def _is_finite(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)
