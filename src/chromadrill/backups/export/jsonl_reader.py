"""The reader of an export in lines: everything is verified before anything is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chromadrill.backups.export.json_layout import FOLLOWS, LINES, Layout, lines
from chromadrill.backups.export.jsonl_writer import seal_of
from chromadrill.backups.export.types import SCHEMA, ExportRefused, counts_of, difference, to_page
from chromadrill.backups.export.zstd_stream import ZstdError, reopen
from chromadrill.chroma.fingerprint.fingerprint_file import from_head
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import JSON, Fingerprint, Page

NEXT_STEP = "Use the file as it was exported, or another backup."


@dataclass
class _Part:
    """Where the records of a collection begin (byte of the stream), their number and checksum."""

    start: int
    count: int = 0
    sha256: str = ""


class JsonlReader:
    """A Reader of lines. Raises ExportRefused unless the file is whole and unaltered."""

    fingerprint: Fingerprint
    sha256: str
    about: JSON

    def __init__(self, path: Path, *, layout: Layout = LINES, zst: bool = False) -> None:
        self._path, self._layout, self._zst = path, layout, zst
        self._parts: dict[str, _Part] = {}
        try:
            self._verify()
        except ExportRefused:
            raise
        except EOFError as error:
            self._refuse(f"ends without its seal ({error}): it is truncated", error)
        except Exception as error:  # whatever a foreign file does to the readers, it is refused
            reason = f"{type(error).__name__}: {error}"
            self._refuse(f"is not a chromadrill export, or it was altered ({reason})", error)

    def pages(self, key: str, *, size: int = 1000) -> Iterator[Page]:
        """Yield the records of a collection, see Reader. Raises UsageError for an unknown key."""
        if key not in self._parts:
            raise UsageError(f"No collection {key} here. {did_you_mean(key, self._parts)}")
        part, width = self._parts[key], self.fingerprint.collections[key].info.dimension or 0
        hasher = hashlib.sha256()
        try:
            with reopen(self._path, zst=self._zst, start=part.start) as file:
                physical = lines(file)
                for start in range(0, part.count, size):
                    records: list[JSON] = []
                    for _ in range(min(size, part.count - start)):
                        body = self._layout.strip("record", next(physical, b""))
                        hasher.update(body + b"\n")
                        records.append(self._layout.value("record", body))
                    yield to_page(records, [record["vector"] for record in records], width)
        except (EOFError, ZstdError, ValueError, KeyError, TypeError, OSError) as error:
            self._refuse(f"has records of {key} that cannot be read ({error})", error)
        if hasher.hexdigest() != part.sha256:
            self._refuse(f"was changed while it was read: the checksum of {key} does not match")

    def close(self) -> None:
        """Nothing is held open between pages."""

    def _verify(self) -> None:
        whole, part_hash, part = hashlib.sha256(), hashlib.sha256(), _Part(0)
        last, position = "", 0
        key, head = "", JSON()
        with reopen(self._path, zst=self._zst) as file:
            for number, physical in enumerate(lines(file), 1):
                kind = self._layout.kind(physical)
                if number == 1 and kind != "head":
                    self._refuse("is not a chromadrill export: its first line is foreign")
                line = self._layout.strip(kind, physical)
                if kind not in FOLLOWS[last]:
                    self._refuse(f"was altered: line {number} is not one of an export")
                position += len(physical)
                if kind == "seal":
                    self._check_seal(line, whole.hexdigest())
                whole.update(physical)
                if kind == "record":
                    part.count += 1
                    part_hash.update(line + b"\n")
                elif kind == "collection":
                    info = self._layout.value(kind, line)
                    key = f"{info['tenant']}/{info['database']}/{info['name']}"
                    part, part_hash = _Part(position), hashlib.sha256()
                    if self._parts.setdefault(key, part) is not part:
                        self._refuse(f"was altered: collection {key} is in it twice")
                elif kind == "end":
                    part.sha256 = part_hash.hexdigest()
                    self._check_end(key, part, self._layout.value(kind, line))
                elif kind == "head":
                    self._check_head(self._layout.value(kind, line))
                elif kind == "fingerprint":
                    head = self._layout.value(kind, line)
                last = kind
        if not last:
            self._refuse("is not a chromadrill export: it is empty")
        if last != "seal":
            raise EOFError(f"its last line is a {last}")
        self.fingerprint = from_head(head)
        self.about = {**self.about, "requires": head.get("requires", {})}
        if "coverage" in head:
            self.about["coverage"] = head["coverage"]
        counts = {key: part.count for key, part in self._parts.items()}
        if wrong := difference(counts_of(self.fingerprint), counts):
            self._refuse(f"does not hold what its fingerprint says: {wrong}")

    def _check_head(self, head: JSON) -> None:
        if head.get("schema") != SCHEMA:
            self._refuse(
                f"is not a chromadrill export: wanted schema {SCHEMA}, got {head.get('schema')}"
            )
        self.about = head

    def _check_end(self, key: str, part: _Part, end: JSON) -> None:
        if end["count"] != part.count:
            self._refuse(f"was altered: {key}: wanted {end['count']} records, got {part.count}")
        if end["sha256"] != part.sha256:
            self._refuse(f"was altered: the checksum of the records of {key} does not match")

    def _check_seal(self, line: bytes, sha256: str) -> None:
        # byte for byte: the seal itself is the one line that no checksum covers
        counts = {key: part.count for key, part in self._parts.items()}
        if line != self._layout.line("seal", seal_of(counts, sha256)):
            seal = line[:200].decode(errors="replace")
            self._refuse(f"was altered: its checksum does not match (got {sha256}, seal: {seal})")
        self.sha256 = sha256

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        raise ExportRefused(f"{self._path} {reason}.", next_step=NEXT_STEP) from cause
