"""`[source] split`: a function of yours that makes the records of a row, several of one or none.

It gets the row as a dict (`id`, `content`, `metadata`) and returns an iterable of texts, or of dicts
with `id`, `content` and, where they are other than the row's, `metadata` and `uri`. A text alone is
called ROW:0, ROW:1 ... in its order.
"""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from chromadrill.core.errors import Refused, UsageError
from chromadrill.recovery.sources.rows import Row, metadata_of

KEYS = {"id", "content", "metadata", "uri"}
Function = Callable[[dict[str, Any]], Iterable[Any]]


def load_split(name: str) -> Split:
    """The function "package.module:function". Raises UsageError where there is none."""
    module_name, _, attribute = name.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        # a command finds modules beside drill.toml, as python -m does; they may import others later
        sys.path.insert(0, str(Path.cwd()))
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # whatever a module of the user's does when it is imported
        raise UsageError(
            f'[source] split = "{name}" cannot be imported: {type(error).__name__}: {error}.',
            next_step=f"python -c 'from {module_name} import {attribute}' must work in this folder.",
        ) from error
    if not callable(function):
        raise UsageError(f'[source] split = "{name}" is no function.')
    return Split(name, function)


class Split:
    """The function with its name. Every error of it is a sentence with the row's id."""

    def __init__(self, name: str, function: Function) -> None:
        self.name, self._function = name, function

    def records(self, row: Row) -> list[Row]:
        """The records of a row. Raises Refused for an error of the function, and for no records."""
        content = {"id": row.id, "content": row.content, "metadata": copy.deepcopy(row.metadata)}
        try:
            pieces = self._function(content)
            is_list = isinstance(pieces, Iterable) and not isinstance(pieces, str | bytes | Mapping)
            pieces = list(pieces) if is_list else pieces
        except Exception as error:  # whatever a function of the user's raises
            raise self._refused(row, f"raised {type(error).__name__}: {error}") from error
        if not is_list:
            raise self._refused(row, f"returned {_type(pieces)}, no list of records")
        return [self._record(row, number, piece) for number, piece in enumerate(pieces)]

    def steady_records(self, row: Row) -> list[Row]:
        """The same, asked for twice. Raises Refused where the answers differ."""
        records, again = self.records(row), self.records(row)
        if records != again:
            pairs = zip(records, again, strict=False)
            first = next((pair for pair in pairs if pair[0] != pair[1]), None)
            which = f"'{first[0].id}' first, then '{first[1].id}'" if first else "another number"
            raise self._refused(
                row,
                f"is not deterministic: called twice with this row, it gave other records ({which})",
                "Make ids and texts of the row alone: no time, no random number, no counter.",
            )
        return records

    def _record(self, row: Row, number: int, piece: Any) -> Row:
        if isinstance(piece, str):
            piece = {"id": f"{row.id}:{number}", "content": piece}
        if not isinstance(piece, Mapping):
            raise self._refused(row, f"gave {_type(piece)}, no text and no dict")
        if unknown := sorted(map(str, piece.keys() - KEYS)):
            known = ", ".join(sorted(KEYS))
            raise self._refused(row, f"gave a record with the key '{unknown[0]}'. Known: {known}")
        record, content, uri = piece.get("id"), piece.get("content"), piece.get("uri")
        for key, value in (("id", record), ("content", content)):
            if not isinstance(value, str) or (key == "id" and not value) or not _is_text(value):
                raise self._refused(
                    row, f"gave record {number} no text as its {key}: {value!r:.60}"
                )
        if uri is not None and not (isinstance(uri, str) and _is_text(uri)):
            raise self._refused(row, f"gave record {number} no text as its uri: {uri!r:.60}")
        metadata = row.metadata
        if "metadata" in piece:
            metadata = metadata_of(str(record), self._plain(row, piece["metadata"]))
        return Row(str(record), str(content), metadata, row.changed, uri)

    def _plain(self, row: Row, metadata: Any) -> Any:
        """As JSON has it: what Chroma gives back is compared with it."""
        try:
            return orjson.loads(orjson.dumps(metadata, option=orjson.OPT_SERIALIZE_NUMPY))
        except (TypeError, ValueError) as error:
            raise self._refused(row, f"gave metadata that is no JSON: {error}") from error

    def _refused(self, row: Row, reason: str, next_step: str = "") -> Refused:
        return Refused(f"row '{row.id}': {self.name} {reason}.", next_step=next_step)


def _type(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
