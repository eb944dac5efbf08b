"""The types of an export: its Writer, its Reader, its errors, and the natural types of its columns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa

from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.model import JSON, CollectionInfo, CollectionPrint, Fingerprint, Page
from chromadrill.core.records.streams import Records

SCHEMA = "chromadrill/export/1"
MAX_COLUMNS = 1_000  # a database with more metadata keys than that keeps data in its keys
_SCALARS = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


class ExportRefused(Refused):
    """The file is foreign, truncated or altered: nothing in it is believed."""


QUIET = (
    "If clients write: stop them and export again (or --retry N), or keep what can be proven of it"
    " (--between), or take a volume copy of the stopped server."
)


SKIP = (
    "The same command with --skip-damaged exports the rest, and lists in the file what it left out. Or"
    " correct or delete what is named here."
)


class TornExport(Unavailable):
    """The database was written to while it was exported: the file would be of no instant."""

    def __init__(self, difference: str) -> None:
        super().__init__(
            f"The database was written to while it was exported: {difference}. Nothing was kept.",
            next_step=QUIET,
        )


class ExportWriter(Protocol):
    """One file being written: `begin`, any number of `write`, again; `seal` once; `close`.

    It is created with the fingerprint of what is going to be written. Every method raises
    DrillError for what the format cannot hold, naming the record.
    """

    def begin(self, info: CollectionInfo) -> None:
        """Start the next collection."""

    def write(self, page: Page) -> None:
        """Append records to the collection begun last."""

    def amend(self, collection: CollectionPrint) -> None:
        """Take what the collection begun last holds for what the fingerprint says of it.

        Of a database that is written to, nobody knows before.
        """

    def seal(self, requires: JSON, coverage: JSON | None = None) -> None:
        """End the file with the fingerprint (not its tables of records) and flush it to disk.

        `requires`: what a target must allow to take it back (see `requirements`). `coverage`: how much
        of it is proven, of a database that was written to meanwhile.

        Raises TornExport where other numbers of records were written than the fingerprint says.
        """

    def close(self) -> None:
        """Let the file go, sealed or not; may be called again."""


class Reader(Protocol):
    """A file whose seal was right when it was opened."""

    fingerprint: Fingerprint
    """As it was sealed; `records` of each print is empty: digest the pages to rebuild it."""

    sha256: str
    """The checksum over the whole file that its seal carries, in hex."""

    about: JSON
    """What the file says of its source: `name`, `url`; `left_out`, `requires`, `coverage` where it says
    so."""

    def pages(self, key: str, *, size: int = 1000) -> Iterator[Page]:
        """Yield the records of collection TENANT/DATABASE/NAME, `size` to a page, in their order.

        Raises ExportRefused where the file was changed since it was opened.
        """

    def close(self) -> None:
        """Let the file go; may be called again."""


def column_types(records: Records) -> dict[str, pa.DataType]:
    """Return the one Arrow type of each metadata key in a fingerprint's records, by key.

    A key whose values differ in type (1 here, 1.0 or "1" there), or which holds only nulls, empty
    lists or objects, is left out: it travels in the JSON text of the metadata alone.
    """
    types: dict[str, pa.DataType | None] = {}
    for table in records.batches():
        for text in table.column("metadata").to_pylist():
            for key, value in orjson.loads(text).items() if text is not None else ():
                if value is None or value == []:
                    continue  # fits a column of any type
                kind = arrow_type(value)
                if types.setdefault(key, kind) != kind:
                    types[key] = None
    uniform = [(key, kind) for key, kind in sorted(types.items()) if kind is not None]
    return dict(uniform[:MAX_COLUMNS])


def arrow_type(value: Any) -> pa.DataType | None:
    """Return int64, float64, bool, string or a list of one of them; None for everything else."""
    if isinstance(value, list):
        kinds = {type(item) for item in value}  # not isinstance: True is an int there
        element = arrow_type(value[0]) if len(kinds) == 1 else None
        fits = element is not None and all(arrow_type(item) == element for item in value)
        return pa.list_(element) if fits and not pa.types.is_list(element) else None
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        return None
    return _SCALARS.get(type(value))


def refuse_unwritable(page: Page, dimension: int | None, *, not_finite: bool) -> None:
    """Raise DrillError for vectors of another width than `dimension`, and for NaN and infinity.

    Trap: orjson writes both as null without an error; in metadata that would be another value. Vectors
    may hold them where the format can (`not_finite`).
    """
    if dimension and page.ids and page.vectors.shape[1] != dimension:
        raise DrillError(
            f"Records '{page.ids[0]}' to '{page.ids[-1]}': wanted vectors of {dimension} numbers,"
            f" got {page.vectors.shape[1]}."
        )
    for record, metadata in zip(page.ids, page.metadatas, strict=True):
        if metadata and not _finite(metadata):
            raise DrillError(
                f"Record '{record}': its metadata holds NaN or infinity, which JSON cannot write.",
                next_step="Correct or delete that record, or take a volume copy.",
            )
    if not not_finite and not (rows := np.isfinite(page.vectors).all(axis=1)).all():
        raise DrillError(
            f"Record '{page.ids[int(rows.argmin())]}': its vector holds NaN or infinity, which"
            " JSON cannot write.",
            next_step="Export to .parquet, which can, or correct or delete that record.",
        )


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return not isinstance(value, list) or all(map(_finite, value))


def with_print(fingerprint: Fingerprint, collection: CollectionPrint) -> Fingerprint:
    """Return the fingerprint with another print of one collection."""
    collections = {**fingerprint.collections, collection.info.key: collection}
    return dataclasses.replace(fingerprint, collections=collections)


def without_unbegun(fingerprint: Fingerprint, keys: Collection[str]) -> Fingerprint:
    """Return the fingerprint without collections that were never begun: they were dropped meanwhile."""
    collections = {key: one for key, one in fingerprint.collections.items() if key in keys}
    return dataclasses.replace(fingerprint, collections=collections)


def require_counts(fingerprint: Fingerprint, written: Mapping[str, int]) -> None:
    """Raise TornExport unless as many records were written as the fingerprint says."""
    if wrong := difference(counts_of(fingerprint), written):
        raise TornExport(wrong)


def difference(wanted: Mapping[str, int], actual: Mapping[str, int]) -> str:
    """Return the first difference of two counts of records by collection, "" where they are equal."""
    for key in sorted(wanted.keys() | actual.keys()):
        if wanted.get(key) != actual.get(key):
            return f"{key}: wanted {wanted.get(key, 'no')} records, got {actual.get(key, 'no')}"
    return ""


def counts_of(fingerprint: Fingerprint) -> dict[str, int]:
    """Return the number of records of each collection, by TENANT/DATABASE/NAME."""
    return {key: collection.count for key, collection in fingerprint.collections.items()}


def to_page(records: list[JSON], vectors: list[Any], dimension: int) -> Page:
    """Return a page of n records (JSON objects) and their vectors (n rows, None where there is none).

    Raises KeyError, TypeError or ValueError for rows that are no records.
    """
    without = tuple(number for number, row in enumerate(vectors) if row is None)
    width = next((len(row) for row in vectors if row is not None), dimension)
    rows = [[0.0] * width if row is None else row for row in vectors] if without else vectors
    return Page(
        ids=[record["id"] for record in records],
        documents=[record["document"] for record in records],
        metadatas=[record["metadata"] for record in records],
        uris=[record["uri"] for record in records],
        vectors=np.asarray(rows, dtype=np.float32).reshape(len(records), width),
        without_vector=without,
    )
