"""A difference is looked at again before it is named: row and record are read anew by their id.

Writers change both sides, one after the other, so a record that differs for a moment is normal. It
is a finding when row and record stood still from one look to the next and still differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from chromadrill.checks.reconcile import Finding, Kind
from chromadrill.checks.same_metadata import same_metadata
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import CollectionInfo
from chromadrill.core.records.spool import Slot, Spool
from chromadrill.core.records.streams import slices
from chromadrill.recovery.reconcile.candidates import CANDIDATES, FIELDS, SIDES
from chromadrill.recovery.reconcile.sides import (
    Content,
    OpenSource,
    StoredRecord,
    content_of,
    records_of,
)
from chromadrill.recovery.sources.rows import Row

LOOKS = 5
IDS_PER_LOOK = 500
BATCHES_AT_ONCE = 20
UNKNOWN: Any = object()  # a side that was not seen yet


class Waiting:
    """Candidates that wait for their next look, in flat memory."""

    def __init__(self) -> None:
        self._spool, self._slots = Spool(), list[Slot]()
        self.count = 0

    def add(self, candidates: pa.Table) -> None:
        for part in slices(candidates, IDS_PER_LOOK):
            self._slots.append(self._spool.put(part))
        self.count += len(candidates)

    def batches(self) -> Iterator[pa.Table]:
        for slot in self._slots:
            yield self._spool.get(slot)

    def groups(self) -> Iterator[list[pa.Table]]:
        """The same, some at a time: a source that has to be read whole is read once for each group."""
        batches = self.batches()
        while group := list(islice(batches, BATCHES_AT_ONCE)):
            yield group


@dataclass(slots=True)
class SecondLook:
    """Looks at candidates until each is equal, a finding, or was changing at all `LOOKS` looks.

    `settle_s`: how long row and record have to stand still. `unsettled`: ids of those that never
    did, the first of them. `missing_store`: there is no collection, so no record is asked for.
    """

    chroma: Chroma
    info: CollectionInfo | None
    open_source: OpenSource
    settle_s: float
    wait: Callable[[float], None]
    unsettled: int = 0
    unsettled_ids: list[str] = field(default_factory=list)

    def findings(self, waiting: Waiting) -> Iterator[Finding]:
        """Yield what is wrong, in the order of ids for one look after the other."""
        for _ in range(LOOKS):
            if not waiting.count:
                return
            self.wait(self.settle_s)
            changed = Waiting()
            with self.open_source() as source:
                for batches in waiting.groups():
                    ids = [record for batch in batches for record in batch["id"].to_pylist()]
                    rows = {row.id: row for row in source.rows_of(ids)}
                    for batch in batches:
                        yield from self._look(rows, batch, changed)
            waiting = changed
        self.unsettled = waiting.count
        for batch in waiting.batches():
            self.unsettled_ids += batch["id"].to_pylist()[: 10 - len(self.unsettled_ids)]

    def _look(
        self, rows: Mapping[str, Row], batch: pa.Table, changed: Waiting
    ) -> Iterator[Finding]:
        ids = batch["id"].to_pylist()
        records = records_of(self.chroma, self.info, ids) if self.info else {}
        again: list[dict[str, Any]] = []
        for before in batch.to_pylist():
            record = before["id"]
            row, stored = rows.get(record), records.get(record)
            kinds = kinds_of(row, stored)
            if not kinds:
                continue
            now = (_row_content(row), stored.content if stored else None)
            if now == tuple(_content_before(before, side) for side in SIDES):
                yield Finding(record, kinds)
            else:
                again.append(_candidate(record, now))
        if again:
            changed.add(pa.Table.from_pylist(again, CANDIDATES))


def kinds_of(row: Row | None, stored: StoredRecord | None) -> tuple[Kind, ...]:
    """What is wrong with a record now; empty where nothing is, or where it is on neither side."""
    if row is None and stored is None:
        return ()
    if stored is None:
        return (Kind.MISSING,)
    if row is None:
        return (Kind.ORPHANED,)
    wanted, content = content_of(row.content, row.metadata, row.uri), stored.content
    kinds = []
    if wanted.document != content.document:
        kinds.append(Kind.STALE_TEXT)
    elif not stored.has_direction:
        kinds.append(Kind.NO_VECTOR)
    is_same = same_metadata(wanted.metadata, content.metadata)
    if not is_same or wanted.uri not in (None, content.uri):
        kinds.append(Kind.STALE_METADATA)
    return tuple(kinds)


def _row_content(row: Row | None) -> Content | None:
    return content_of(row.content, row.metadata, row.uri) if row else None


def _content_before(candidate: dict[str, Any], side: str) -> Content | Any | None:
    is_there = candidate[f"in_{side}"]
    if is_there is None:
        return UNKNOWN
    return Content(*(candidate[f"{side}_{name}"] for name in FIELDS)) if is_there else None


def _candidate(record: str, sides: tuple[Content | None, Content | None]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": record}
    for side, content in zip(SIDES, sides, strict=True):
        row[f"in_{side}"] = content is not None
        for name in FIELDS:
            row[f"{side}_{name}"] = getattr(content, name) if content else None
    return row
