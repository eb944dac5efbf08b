"""Both sides in the order of their ids: the records that may differ.

A candidate is no finding: source and store were read at different moments. `second_look` decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.checks.same_metadata import other_metadata
from chromadrill.chroma.fingerprint.digests import RECORDS
from chromadrill.core.records.alignment import align

FIELDS = ("document", "metadata", "uri")
SIDES = ("row", "record")
IDS = pa.schema([("id", pa.string())])
CANDIDATES = pa.schema(
    [("id", pa.string())]
    + [(f"in_{side}", pa.bool_()) for side in SIDES]
    + [
        (f"{side}_{name}", pa.string() if name == "metadata" else pa.binary(16))
        for side in SIDES
        for name in FIELDS
    ]
)


def compare(
    rows: Iterable[pa.Table], records: Iterable[pa.Table], ids: Iterable[pa.Table]
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield (candidates, records whose text is their row's) for one interval of ids after the other.

    `rows` and `records` have the schema of digests, `ids` has ids alone: a later listing of the
    store, which shows what paging under writers passed over. A record that came twice is a candidate.
    """
    # a stream that never had a table would get the columns of another one
    streams = (
        chain([pa.Table.from_batches([], schema)], stream)
        for schema, stream in ((RECORDS, rows), (RECORDS, records), (IDS, ids))
    )
    for row_part, record_part, listed in align(*streams):
        yield _compare(row_part, record_part, listed)


def _compare(rows: pa.Table, records: pa.Table, listed: pa.Table) -> tuple[pa.Table, pa.Table]:
    records, twice = _without_repeats(records)
    if _chunk(rows, "id").equals(_chunk(records, "id")):
        shared_rows, shared = rows, records
        alone_rows, alone = rows.slice(0, 0), records.slice(0, 0)
    else:
        has_record = pc.is_in(rows["id"], value_set=_chunk(records, "id"))
        has_row = pc.is_in(records["id"], value_set=_chunk(rows, "id"))
        shared_rows, shared = rows.filter(has_record), records.filter(has_row)
        alone_rows, alone = rows.filter(pc.invert(has_record)), records.filter(pc.invert(has_row))
    same_text = _equal(shared_rows["document"], shared["document"])
    differs = ~same_text
    another_text = np.flatnonzero(~_equal(shared_rows["metadata"], shared["metadata"]))
    differs[other_metadata(shared_rows, shared, another_text)] = True
    # a table has no column of URIs: where the source says none, the store's own stays
    has_uri = np.asarray(shared_rows["uri"].is_valid())
    differs |= has_uri & ~_equal(shared_rows["uri"], shared["uri"])
    no_vector = _without_direction(shared)
    differs |= same_text & no_vector
    late = listed.filter(_in_neither(listed, rows, records))
    parts = [
        _candidates(shared_rows.filter(pa.array(differs)), shared.filter(pa.array(differs))),
        _candidates(alone_rows, None),
        _candidates(None, alone),
        _unknown([*twice, *late["id"].to_pylist()]),
    ]
    judged = shared.filter(pa.array(same_text & ~no_vector))
    return pa.concat_tables(parts), judged


def _chunk(table: pa.Table, name: str) -> pa.Array:
    """The column as one array, also of a table without a row."""
    column = table[name]
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.chunks else pa.array([], column.type)
    return column


def _without_repeats(records: pa.Table) -> tuple[pa.Table, list[str]]:
    """The first of the rows of each id, and the ids that came more than once."""
    ids = _chunk(records, "id")
    if len(ids) < 2:
        return records, []
    again = np.concatenate(
        [[False], np.asarray(pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1)))]
    )
    if not again.any():
        return records, []
    return records.filter(pa.array(~again)), sorted(set(ids.filter(pa.array(again)).to_pylist()))


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> np.ndarray:
    """Null is equal to null alone."""
    both_null = pc.and_(one.is_null(), other.is_null())
    same = pc.fill_null(pc.equal(one, other), False)
    return np.asarray(pc.or_(both_null, same), bool)


def _without_direction(records: pa.Table) -> np.ndarray:
    """Rows without a vector, or with one that holds NaN or nothing but zeros."""
    missing = np.asarray(records["sketch"].is_null(), bool)
    if not len(records):
        return missing
    sketches = np.zeros((len(records), records.schema.field("sketch").type.list_size), np.float32)
    column = _chunk(records, "sketch")
    sketches[~missing] = np.asarray(column.flatten()).reshape(-1, sketches.shape[1])
    return missing | ~np.isfinite(sketches).all(axis=1) | ~sketches.any(axis=1)


def _in_neither(listed: pa.Table, rows: pa.Table, records: pa.Table) -> pa.ChunkedArray:
    known = pa.concat_arrays([_chunk(rows, "id"), _chunk(records, "id")])
    return pc.invert(pc.is_in(listed["id"], value_set=known))


def _candidates(rows: pa.Table | None, records: pa.Table | None) -> pa.Table:
    """What both sides were at the first look; None for a side that does not have these ids."""
    either = rows if rows is not None else records
    assert either is not None  # noqa: S101 - one of them is named
    count = len(either)
    columns: list[pa.Array | pa.ChunkedArray] = [either["id"]]
    columns += [pa.array(np.full(count, side is not None)) for side in (rows, records)]
    for side in (rows, records):
        for name in FIELDS:
            kind = pa.string() if name == "metadata" else pa.binary(16)
            columns.append(pa.nulls(count, kind) if side is None else side[name])
    return pa.Table.from_arrays(columns, schema=CANDIDATES)


def _unknown(ids: list[str]) -> pa.Table:
    """Ids of which nobody knows yet what they are on either side."""
    blank = {name: None for name in CANDIDATES.names if name != "id"}
    return pa.Table.from_pylist([{"id": record, **blank} for record in ids], CANDIDATES)
