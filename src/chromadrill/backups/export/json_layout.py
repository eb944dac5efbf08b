"""The layout of an export in lines: the same lines for .jsonl and .json, in another frame.

    .jsonl  {"head":{...}}             .json  {"head":{...},"collections":[
            {"collection":{...}}              {"collection":{...},"records":[
            {"id":...,"vector":[...]}         {"id":...,"vector":[...]},
            {"id":...,"vector":[...]}         {"id":...,"vector":[...]}
            {"end":{...}}                     ],"end":{...}}
            {"fingerprint":{...}}             ],"fingerprint":{...},
            {"seal":{...}}                    "seal":{...}}

A .json is one valid document, yet each record has a line of its own, so that it is read in flat
memory like the others. Reformatting it breaks its checksum, so the layout can be relied on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

MAX_LINE = 256 << 20  # bytes; Chroma takes requests of 40 MiB

# what may follow each kind of line
FOLLOWS = {
    "": {"head"},
    "head": {"collection", "fingerprint"},
    "collection": {"record", "end"},
    "record": {"record", "end"},
    "end": {"collection", "fingerprint"},
    "fingerprint": {"seal"},
    "seal": set[str](),
}
_IN_LISTS = {("record", "record"), ("end", "collection")}  # neighbours in a list: a comma between


@dataclass(frozen=True)
class Layout:
    """The bytes before and after the JSON object of each kind of line, and between lines of a list."""

    frames: dict[str, tuple[bytes, bytes]]
    comma: bytes

    def separator(self, before: str, after: str) -> bytes:
        """Return the bytes between a line of kind `before` and one of kind `after`."""
        return (self.comma if (before, after) in _IN_LISTS else b"") + b"\n"

    def line(self, kind: str, value: Any) -> bytes:
        """Return a line, without its separator."""
        opening, closing = self.frames[kind]
        return opening + to_bytes(value) + closing

    def kind(self, line: bytes) -> str:
        """Return the kind of a line, "" for none of ours."""
        if line.startswith(b'{"id":'):
            return "record"
        starts = (kind for kind, (opening, _) in self.frames.items() if line.startswith(opening))
        return next(starts, "")

    def value(self, kind: str, line: bytes) -> Any:
        """Return the object of a line without its separator. Raises ValueError for another line."""
        opening, closing = self.frames.get(kind, (b"", b""))
        if not (line.startswith(opening) and line.endswith(closing)):
            raise ValueError(f"not a line of kind {kind}")
        return orjson.loads(line[len(opening) : len(line) - len(closing)])

    def strip(self, kind: str, line: bytes) -> bytes:
        """Return a line without its separator. Raises EOFError where it has none: it is cut."""
        if not line.endswith(b"\n"):
            raise EOFError("its last line is cut")
        return line[:-1].removesuffix(self.comma) if kind in ("record", "end") else line[:-1]


LINES = Layout(
    {
        "head": (b'{"head":', b"}"),
        "collection": (b'{"collection":', b"}"),
        "end": (b'{"end":', b"}"),
        "fingerprint": (b'{"fingerprint":', b"}"),
        "seal": (b'{"seal":', b"}"),
    },
    comma=b"",
)
DOCUMENT = Layout(
    {
        "head": (b'{"head":', b',"collections":['),
        "collection": (b'{"collection":', b',"records":['),
        "end": (b'],"end":', b"}"),
        "fingerprint": (b'],"fingerprint":', b","),
        "seal": (b'"seal":', b"}"),
    },
    comma=b",",
)


def to_bytes(value: Any) -> bytes:
    """Return JSON without line feeds; float32 rows of numpy as the shortest text that is bit-equal."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream. Raises ValueError for one that is longer than MAX_LINE."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"a line is longer than {MAX_LINE >> 20} MiB")
        yield line
