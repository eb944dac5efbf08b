"""A fingerprint as one file: a zip of `fingerprint.json` and one Parquet table of records.

The zip's archive comment, the last 64 bytes of the file, is the SHA-256 of everything before it:
a truncated, altered or foreign file is refused before anything in it is believed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from chromadrill.chroma.fingerprint.digests import RECORDS
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import (
    Answer,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Recall,
    Scope,
)

SCHEMA = "chromadrill/fingerprint/1"
SUFFIX = ".fingerprint"
ROWS = pa.schema([pa.field("collection", pa.int32()), *RECORDS])
_HEX = 64


class FingerprintRefused(Unavailable):
    """The file is not a whole, unaltered fingerprint."""


def save(fingerprint: Fingerprint, path: Path) -> None:
    """Write atomically, mode 0600: an existing file is replaced only by a whole one."""
    try:
        path = path.resolve()  # a link is followed, never replaced
    except RuntimeError as error:
        raise UsageError(f"{path}: a loop of links; name a file.") from error
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} exists and is no regular file; nothing was written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            _write(fingerprint, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: Path) -> Fingerprint:
    """Read a fingerprint; raises FingerprintRefused if it is missing, cut, altered or foreign."""
    again = f"Take a new one: python scripts/fingerprint_chromadb.py --url URL --output {path}"
    if not path.is_file():
        raise FingerprintRefused(f"{path}: no such fingerprint file.", next_step=again)
    try:
        _check_sum(path)
        with zipfile.ZipFile(path) as archive:
            head = orjson.loads(archive.read("fingerprint.json"))
            with archive.open("records.parquet") as file:
                return from_head(head, pq.read_table(pa.PythonFile(file, mode="r")))
    except FingerprintRefused:
        raise
    except Exception as error:  # whatever a foreign file does to the readers, it is refused
        raise FingerprintRefused(
            f"{path} is not a whole, unaltered fingerprint ({type(error).__name__}: {error}).",
            next_step=again,
        ) from error


def _check_sum(path: Path) -> None:
    size = path.stat().st_size
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        left = max(0, size - _HEX)
        while left:
            chunk = file.read(min(left, 1 << 20))
            if not chunk:
                break
            hasher.update(chunk)
            left -= len(chunk)
        said = file.read()
    if said != hasher.hexdigest().encode():
        raise FingerprintRefused(
            f"{path} is not a whole, unaltered fingerprint (its checksum does not match).",
            next_step="It was cut, changed, or is something else: use the one made with the backup.",
        )


def _write(fingerprint: Fingerprint, file: Any) -> None:
    prints = list(fingerprint.collections.values())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with (
            archive.open("records.parquet", "w", force_zip64=True) as sink,
            pq.ParquetWriter(pa.PythonFile(sink, mode="w"), ROWS, compression="zstd") as writer,
        ):
            for number, each in enumerate(prints):
                for batch in each.records.to_batches(max_chunksize=50_000):
                    column = pa.array([number] * len(batch), pa.int32())
                    writer.write_batch(pa.record_batch([column, *batch.columns], schema=ROWS))
        archive.writestr("fingerprint.json", orjson.dumps(head_of(fingerprint)))
        archive.comment = b"0" * _HEX
    file.seek(0)
    hasher, left = hashlib.sha256(), file.seek(0, os.SEEK_END) - _HEX
    file.seek(0)
    while left:
        chunk = file.read(min(left, 1 << 20))
        hasher.update(chunk)
        left -= len(chunk)
    file.write(hasher.hexdigest().encode())


def head_of(fingerprint: Fingerprint) -> dict[str, Any]:
    """A fingerprint without its records, as a JSON object."""
    return {
        "schema": SCHEMA,
        "taken_at": fingerprint.taken_at,
        "taken": fingerprint.taken,
        "versions": dict(fingerprint.versions),
        "scopes": [str(each) for each in fingerprint.scopes],
        "databases": [str(each) for each in fingerprint.databases],
        "collections": [
            {
                "info": dataclasses.asdict(each.info),
                "count": each.count,
                "answers": [_answer_json(answer) for answer in each.answers],
                "recall": dataclasses.asdict(each.recall) if each.recall else None,
            }
            for each in fingerprint.collections.values()
        ],
    }


def from_head(head: dict[str, Any], records: pa.Table | None = None) -> Fingerprint:
    """The fingerprint of a head; without `records` (schema ROWS) those of each print are empty.

    Raises KeyError, TypeError or ValueError for an object that is no head.
    """
    if head["schema"] != SCHEMA:
        raise ValueError(f"wanted schema {SCHEMA}, got {head['schema']}")
    table = ROWS.empty_table() if records is None else records
    return Fingerprint(
        taken_at=head["taken_at"],
        taken=head["taken"],
        versions=head["versions"],
        scopes=tuple(Scope.parse(each) for each in head["scopes"]),
        databases=tuple(Scope.parse(each) for each in head["databases"]),
        collections={each.info.key: each for each in _collections(head["collections"], table)},
    )


def _collections(heads: list[dict[str, Any]], table: pa.Table) -> Iterator[CollectionPrint]:
    start = 0
    owners = table.column("collection").to_numpy()
    rows = table.drop_columns(["collection"])
    for number, head in enumerate(heads):
        length = int((owners == number).sum())
        recall = head["recall"]
        if recall:
            recall["self_missed"] = tuple(recall["self_missed"])
        yield CollectionPrint(
            info=CollectionInfo(**head["info"]),
            count=head["count"],
            records=rows.slice(start, length),
            answers=tuple(_answer(each) for each in head["answers"]),
            recall=Recall(**recall) if recall else None,
        )
        start += length


def _answer_json(answer: Answer) -> dict[str, Any]:
    """`trouble` is what files of every release call a read error."""
    raw = dataclasses.asdict(answer)
    raw["trouble"] = raw.pop("read_error")
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
