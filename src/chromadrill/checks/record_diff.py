"""Two streams of record digests, compared by id: what is missing, extra, changed, and in which field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.checks.same_metadata import other_metadata
from chromadrill.core.model import Difference
from chromadrill.core.records.alignment import align
from chromadrill.core.records.streams import Records

FIELDS = ("document", "metadata", "uri", "vector")
NAMED = 1000  # ids that a difference names; the others are counted
EXAMPLES = 10
DRIFT = 2e-6  # relative; the server's own normalising moves a cosine vector by about 1 ulp
# of a vector that the model made anew: cosine 0.9999. Batches differ by 1e-7, another model by 1
REBUILT = math.sqrt(2 * (1 - 0.9999))
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RecordDiff:
    """The differences, and the largest relative drift of a vector that is on both sides.

    The drift is measured where vectors may drift; elsewhere it is 0.0. `shared` rows are on both sides;
    the fields of `compared` of them were compared.
    """

    differences: list[Difference]
    drift: float
    shared: int
    compared: int


def compare(
    collection: str,
    before: Records,
    after: Records,
    *,
    tolerant: bool = False,
    slack: float = DRIFT,
    fields: Sequence[str] = FIELDS,
    where_same: str | None = None,
    written: bool = False,
) -> RecordDiff:
    """Name every difference of two collections' records, in `fields`, in one pass and flat memory.

    `tolerant`: vectors may differ by `slack` of their length (a cosine collection that came back
    via the API); else their bytes must be the same. An id that comes more often on one side is
    doubled, and its fields are not compared. Nor are those of records whose field `where_same` is
    missing or another. `written`: `after` is what a server made of `before`, which moves floats of
    metadata by an ulp or three.
    """
    missing, extra, doubled = (Tally("record", kind) for kind in ("missing", "extra", "doubled"))
    changed = {name: Tally(name, "changed") for name in fields}
    largest, shared, compared = 0.0, 0, 0
    for was, now in align(before.batches(), after.batches()):
        if not was["id"].equals(now["id"]):
            was, now = _common(was, now, missing, extra, doubled)
        shared += len(was)
        if where_same is not None:
            same = pc.fill_null(pc.equal(was[where_same], now[where_same]), False)
            was, now = was.filter(same), now.filter(same)
        compared += len(was)
        for name in fields:
            rows = unequal_rows(was[name], now[name])
            if name == "metadata" and written:
                rows = other_metadata(was, now, rows)
            if name == "vector" and tolerant and len(rows):
                moved = drift_of(was.take(rows), now.take(rows))
                largest = float(moved[np.isfinite(moved)].max(initial=largest))
                rows = rows[moved > slack]
            if len(rows):
                changed[name].add_changes(was.take(rows), now.take(rows))
    tallies = (missing, extra, doubled, *changed.values())
    differences = [t.difference(collection) for t in tallies if t.count]
    return RecordDiff(differences, largest, shared, compared)


@dataclass
class Tally:
    """One kind of difference of one field, over all intervals of ids."""

    name: str
    kind: str
    count: int = 0
    ids: list[str] = field(default_factory=list)
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    lost: int = 0  # the field is there before, and nothing afterwards

    def add(self, ids: pa.Array) -> None:
        self.count += len(ids)
        self.ids += ids.slice(0, max(0, NAMED - len(self.ids))).to_pylist()

    def add_changes(self, was: pa.Table, now: pa.Table) -> None:
        self.add(was["id"])
        self.lost += now[self.name].null_count
        wanted = EXAMPLES - len(self.examples)
        rows = zip(was.slice(0, wanted).to_pylist(), now.slice(0, wanted).to_pylist(), strict=True)
        self.examples += [
            (one["id"], _show(self.name, one), _show(self.name, other)) for one, other in rows
        ]

    def difference(self, collection: str) -> Difference:
        kind = "missing" if self.count == self.lost else self.kind
        more = self.count - len(self.ids)
        return Difference(
            collection, self.name, kind, tuple(self.ids), tuple(self.examples), more=more
        )


def _common(
    was: pa.Table, now: pa.Table, missing: Tally, extra: Tally, doubled: Tally
) -> tuple[pa.Table, pa.Table]:
    """Return the rows of the ids that both sides have equally often; tally all the others."""
    ids = pa.concat_arrays([*was["id"].chunks, *now["id"].chunks]).dictionary_encode()
    codes = ids.indices.to_numpy()
    before, after = codes[: len(was)], codes[len(was) :]
    names, width = ids.dictionary, len(ids.dictionary)
    counts, others = np.bincount(before, minlength=width), np.bincount(after, minlength=width)
    tallies = ((missing, others == 0), (extra, counts == 0))
    for tally, rows in (*tallies, (doubled, (counts != others) & (counts > 0) & (others > 0))):
        tally.add(_sorted(names, rows))
    kept = counts == others
    return was.filter(pa.array(kept[before])), now.filter(pa.array(kept[after]))


def _sorted(names: pa.Array, rows: _Mask) -> pa.Array:
    chosen = names.filter(pa.array(rows))
    return chosen.take(pc.sort_indices(chosen))


def unequal_rows(before: pa.ChunkedArray, after: pa.ChunkedArray) -> np.ndarray:
    if before.equals(after):
        return np.empty(0, np.int64)
    null_changed = pc.xor(before.is_null(), after.is_null())
    changed = pc.fill_null(pc.not_equal(before, after), False)
    return np.flatnonzero(pc.or_(null_changed, changed).to_numpy())


def drift_of(before: pa.Table, after: pa.Table) -> np.ndarray:
    """Relative to the vector's own length as the sketch estimates it; a lost vector is infinite."""
    was, now = _sketches(before), _sketches(after)
    moved = np.linalg.norm(was - now, axis=1)
    length = np.maximum(np.linalg.norm(was, axis=1), np.linalg.norm(now, axis=1))
    relative = np.where(moved == 0, 0.0, moved / np.where(length == 0, 1.0, length))
    return np.asarray(np.where(np.isnan(relative), np.inf, relative))


def _sketches(table: pa.Table) -> np.ndarray:
    column = table["sketch"].combine_chunks()
    rows = np.full((len(column), column.type.list_size), np.nan)
    # a list of its own: `values` of a fixed-size list goes on counting rows that a slice left out
    rows[~np.asarray(column.is_null())] = np.asarray(column.flatten()).reshape(-1, rows.shape[1])
    return rows


def _show(name: str, row: dict[str, object]) -> str:
    """Metadata in full; documents by length and digest, since a fingerprint keeps no text."""
    value = row[name]
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        length = f"{row['document_length']} characters, " if name == "document" else ""
        return f"{length}digest {value.hex()[:12]}"
    return str(value)
