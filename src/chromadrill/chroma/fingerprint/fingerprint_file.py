"""The file of a fingerprint: a zip of `fingerprint.json` and one Parquet table of records.

The zip's archive comment, the last 64 bytes of the file, is the SHA-256 of everything before it. So
a truncated, altered or foreign file is refused before anything in it is believed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from chromadrill.chroma.fingerprint.digests import NO_RECORDS, RECORDS
from chromadrill.chroma.fingerprint.file_records import MEMBER, OWNER, read_records
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.files import atomic_file
from chromadrill.core.model import (
    Answer,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Recall,
    Scope,
)
from chromadrill.core.records.streams import BATCH_ROWS, Records

SCHEMA = "chromadrill/fingerprint/1"
SUFFIX = ".fingerprint"
ROWS = pa.schema([pa.field(OWNER, pa.int32()), *RECORDS])
_HEX = 64
_REPEATED = [OWNER, "document_length", "uri"]  # all other columns hardly repeat a value


class FingerprintRefused(Unavailable):
    """The file is not a whole, unaltered fingerprint."""


def save(fingerprint: Fingerprint, path: Path, *, new: bool = False) -> None:
    """Write the fingerprint to `path`, mode 0600. An existing file is replaced by a whole one only.

    Raises UsageError where `path` is something else than a regular file; with `new` FileExistsError
    for any file that is there when all is written.
    """
    try:
        path = path.resolve()  # a link is followed, never replaced
    except RuntimeError as error:
        raise UsageError(f"{path} is a loop of links. Name a file.") from error
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a regular file. Nothing was written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, private=True, new=new) as file:
        _write(fingerprint, file)


def load(path: Path) -> Fingerprint:
    """Return the fingerprint in a file. Raises FingerprintRefused for all but a whole, unaltered one."""
    next_step = (
        "Use the one that was made with the backup; one that is taken now shows no loss. Of a healthy"
        f" source: chromadrill fingerprint --url URL --output {path}"
    )
    if not path.is_file():
        raise FingerprintRefused(f"{path}: no such fingerprint file.", next_step=next_step)
    try:
        _require_checksum(path)
        with zipfile.ZipFile(path) as archive:
            head = orjson.loads(archive.read("fingerprint.json"))
        return from_head(head, read_records(path, ROWS, len(head["collections"])))
    except FingerprintRefused:
        raise
    except Exception as error:  # whatever a foreign file does to the readers, it is refused
        raise FingerprintRefused(
            f"{path} is not a whole, unaltered fingerprint ({type(error).__name__}: {error}).",
            next_step=next_step,
        ) from error


def load_head(path: Path) -> Fingerprint:
    """Return the fingerprint in a file without its records, in milliseconds at any size.

    Its checksum is not looked at: who wants the records calls `load`. Raises FingerprintRefused.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return from_head(orjson.loads(archive.read("fingerprint.json")))
    except Exception as error:  # whatever a foreign file does to the readers, it is refused
        raise FingerprintRefused(
            f"{path} is no fingerprint ({type(error).__name__}: {error})."
        ) from error


def _require_checksum(path: Path) -> None:
    size = path.stat().st_size
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        remaining = max(0, size - _HEX)
        while remaining:
            chunk = file.read(min(remaining, 1 << 20))
            if not chunk:
                break
            hasher.update(chunk)
            remaining -= len(chunk)
        checksum = file.read()
    if checksum != hasher.hexdigest().encode():
        raise FingerprintRefused(
            f"{path} is not a whole, unaltered fingerprint (its checksum does not match).",
            next_step="It was cut, changed, or is something else: use the one made with the backup.",
        )


def _write(fingerprint: Fingerprint, file: Any) -> None:
    prints = list(fingerprint.collections.values())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with (
            archive.open(MEMBER, "w", force_zip64=True) as sink,
            pq.ParquetWriter(
                pa.PythonFile(sink, mode="w"), ROWS, compression="zstd", use_dictionary=_REPEATED
            ) as writer,
        ):
            for number, one in enumerate(prints):
                for table in one.records.batches():
                    owner = pa.array(np.full(len(table), number, np.int32))
                    rows = pa.Table.from_arrays([owner, *table.columns], schema=ROWS)
                    writer.write_table(rows, row_group_size=BATCH_ROWS)
        archive.writestr("fingerprint.json", orjson.dumps(head_of(fingerprint)))
        archive.comment = b"0" * _HEX
    file.seek(0)
    hasher, remaining = hashlib.sha256(), file.seek(0, os.SEEK_END) - _HEX
    file.seek(0)
    while remaining:
        chunk = file.read(min(remaining, 1 << 20))
        hasher.update(chunk)
        remaining -= len(chunk)
    file.write(hasher.hexdigest().encode())


def head_of(fingerprint: Fingerprint) -> dict[str, Any]:
    """Return a fingerprint without its records, as a JSON object."""
    return {
        "schema": SCHEMA,
        "taken_at": fingerprint.taken_at,
        "finished_at": fingerprint.finished_at,
        "taken": fingerprint.taken,
        "versions": dict(fingerprint.versions),
        "scopes": [str(scope) for scope in fingerprint.scopes],
        "databases": [str(scope) for scope in fingerprint.databases],
        "collections": [
            {
                "info": dataclasses.asdict(one.info),
                "count": one.count,
                "answers": [_answer_json(answer) for answer in one.answers],
                "recall": dataclasses.asdict(one.recall) if one.recall else None,
            }
            for one in fingerprint.collections.values()
        ],
    }


def from_head(head: dict[str, Any], records: Sequence[Records] = ()) -> Fingerprint:
    """Return the fingerprint of a head and `records` of each collection; without them there are none.

    Raises KeyError, TypeError or ValueError for an object that is no head.
    """
    if head["schema"] != SCHEMA:
        raise ValueError(f"wanted schema {SCHEMA}, got {head['schema']}")
    return Fingerprint(
        taken_at=head["taken_at"],
        taken=head["taken"],
        versions=head["versions"],
        scopes=tuple(Scope.parse(text) for text in head["scopes"]),
        databases=tuple(Scope.parse(text) for text in head["databases"]),
        collections={one.info.key: one for one in _collections(head["collections"], records)},
        finished_at=head.get("finished_at"),
    )


def _collections(
    heads: list[dict[str, Any]], records: Sequence[Records]
) -> Iterator[CollectionPrint]:
    for number, head in enumerate(heads):
        recall = head["recall"]
        if recall:
            recall["self_missed"] = tuple(recall["self_missed"])
        yield CollectionPrint(
            info=CollectionInfo(**head["info"]),
            count=head["count"],
            records=records[number] if records else NO_RECORDS,
            answers=tuple(_answer(raw) for raw in head["answers"]),
            recall=Recall(**recall) if recall else None,
        )


def _answer_json(answer: Answer) -> dict[str, Any]:
    """`trouble` is what files of every release call a read error.

    Nothing is copied, as `dataclasses.asdict` does: a fingerprint has a hundred answers a collection.
    """
    raw = {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}
    raw["trouble"] = raw.pop("read_error")
    del raw["rounding"]
    return raw


def _answer(raw: dict[str, Any]) -> Answer:
    answered = raw["answered"]
    return Answer(
        kind=raw["kind"],
        question=raw["question"],
        expected=tuple(raw["expected"]),
        answered=tuple(answered) if answered is not None else None,
        read_error=raw["trouble"],
    )
