"""Two tables of record digests, compared by id: what is missing, extra, changed, and in which field."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.core.model import Difference

FIELDS = ("document", "metadata", "uri", "vector")
DRIFT = 2e-6  # relative; the server's own normalising moves a cosine vector by about 1 ulp
# of a vector that the model made anew: cosine 0.9999. Batches differ by 1e-7, another model by 1
REBUILT = math.sqrt(2 * (1 - 0.9999))


def compare(
    collection: str,
    before: pa.Table,
    after: pa.Table,
    *,
    tolerant: bool = False,
    slack: float = DRIFT,
    fields: Sequence[str] = FIELDS,
) -> list[Difference]:
    """Name every difference of two record tables sorted by id, in `fields`.

    `tolerant`: vectors may differ by `slack` of their length (a cosine collection that came back
    via the API); else their bytes must be the same.
    """
    differences = list(_both_ways(collection, before, after))
    if differences:
        common = pa.array(sorted(_ids(before) & _ids(after)), pa.string())
        before = before.filter(pc.is_in(before["id"], common))
        after = after.filter(pc.is_in(after["id"], common))
    if len(before) != len(after):
        twice = _twice(before if len(before) > len(after) else after)
        return [*differences, Difference(collection, "record", "doubled", twice)]
    for name in fields:
        rows = _unequal(before[name], after[name])
        if name == "vector" and tolerant and len(rows):
            rows = rows[_drift(before.take(rows), after.take(rows)) > slack]
        if len(rows):
            differences.append(_change(collection, name, before.take(rows), after.take(rows)))
    return differences


def drift(before: pa.Table, after: pa.Table) -> float:
    """The largest relative drift of any vector present on both sides; 0.0 where bytes are equal."""
    common = pa.array(sorted(_ids(before) & _ids(after)), pa.string())
    before = before.filter(pc.is_in(before["id"], common))
    after = after.filter(pc.is_in(after["id"], common))
    measured = _drift(before, after)
    return float(measured[np.isfinite(measured)].max(initial=0.0))


def _ids(table: pa.Table) -> set[str]:
    return set(table["id"].to_pylist())


def _twice(table: pa.Table) -> tuple[str, ...]:
    counts = pc.value_counts(table["id"])
    return tuple(row["values"].as_py() for row in counts if row["counts"].as_py() > 1)


def _both_ways(collection: str, before: pa.Table, after: pa.Table) -> Iterator[Difference]:
    if before["id"].equals(after["id"]):
        return
    was, now = _ids(before), _ids(after)
    for kind, ids in (("missing", was - now), ("extra", now - was)):
        if ids:
            yield Difference(collection, "record", kind, tuple(sorted(ids)))


def _unequal(before: pa.ChunkedArray, after: pa.ChunkedArray) -> np.ndarray:
    null_changed = pc.xor(before.is_null(), after.is_null())
    changed = pc.fill_null(pc.not_equal(before, after), False)
    return np.flatnonzero(pc.or_(null_changed, changed).to_numpy())


def _drift(before: pa.Table, after: pa.Table) -> np.ndarray:
    """Relative to the vector's own length as the sketch estimates it; a lost vector is infinite."""
    was, now = _sketches(before), _sketches(after)
    moved = np.linalg.norm(was - now, axis=1)
    length = np.maximum(np.linalg.norm(was, axis=1), np.linalg.norm(now, axis=1))
    relative = np.where(moved == 0, 0.0, moved / np.where(length == 0, 1.0, length))
    return np.asarray(np.where(np.isnan(relative), np.inf, relative))


def _sketches(table: pa.Table) -> np.ndarray:
    rows = [sketch or [np.nan] * 8 for sketch in table["sketch"].to_pylist()]
    return np.array(rows, np.float64).reshape(-1, 8)


def _change(collection: str, name: str, before: pa.Table, after: pa.Table) -> Difference:
    ids = tuple(before["id"].to_pylist())
    lost = after[name].null_count - before[name].null_count
    kind = "missing" if after[name].null_count == len(ids) and lost else "changed"
    examples = tuple(
        (record, _show(name, was), _show(name, now))
        for record, was, now in zip(
            ids[:10],
            before.slice(0, 10).to_pylist(),
            after.slice(0, 10).to_pylist(),
            strict=True,
        )
    )
    return Difference(collection, name, kind, ids, examples)


def _show(name: str, row: dict[str, object]) -> str:
    """Metadata in full; documents by length and digest, since a fingerprint keeps no text."""
    value = row[name]
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        length = f"{row['document_length']} characters, " if name == "document" else ""
        return f"{length}digest {value.hex()[:12]}"
    return str(value)
