"""One try of a hot copy method: copy a server that is written to, then examine the copy."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Protocol

from chromadrill.backups.export.formats import is_export, open_export
from chromadrill.checks import hot_copy as checks
from chromadrill.chroma.at_rest import Store
from chromadrill.core.errors import DrillError
from chromadrill.core.files import size_of
from chromadrill.core.model import JSON, CollectionInfo, HotCopy, Outcome
from chromadrill.drill.backup_proof import prove_export
from chromadrill.drill.validate import Validation, validate
from chromadrill.workload.writer import BATCH, DIMENSION, Writer, complete_writes

WARM_UP = 100  # writes acknowledged before each try


class NamedMethod(Protocol):
    """A method to copy a running server, as a table names it."""

    @property
    def name(self) -> str: ...

    @property
    def what(self) -> str: ...


def take_hot_copy(
    name: str, copy: Callable[[Path], Path], writer: Writer, into: Path, data: Path | None = None
) -> tuple[HotCopy, Path | None]:
    """Make the copy once the writer is in full flow, and return when it writes again.

    `copy(into)` returns the copy's path, or raises DrillError where it refuses. `data`: what is
    copied, where its size is to be told.
    """
    size = size_of(data) if data else None
    writer.wait_for(len(writer.acknowledged) + WARM_UP)
    began, refused, place = time.time(), None, None
    try:
        place = copy(into)
    except DrillError as error:
        refused = str(error)
    ended = time.time()
    writer.wait_for(len(writer.acknowledged) + BATCH)
    ledger = list(writer.acknowledged)
    hot_copy = HotCopy(
        method=name,
        began=began,
        ended=ended,
        ledger=tuple(write for write in ledger if write.at <= ended),
        stalled_s=_longest_wait([write.at for write in ledger], began),
        usual_s=_longest_wait([w.at for w in ledger if w.at <= began], began - (ended - began)),
        refused=refused,
        store_bytes=size,
    )
    return hot_copy, place


def examine(copy: HotCopy, place: Path | None, writes: CollectionInfo) -> HotCopy:
    """Read the copy at rest, serve a private copy of it, write, restart; find the writes in it."""
    if place is None:
        return copy
    verdicts = _prove(place).verdicts
    present = _present_writes(place, writes)
    return dataclasses.replace(copy, verdicts=tuple(verdicts), present=present)


def table_row(method: NamedMethod, copies: Sequence[HotCopy]) -> JSON:
    """One method in the table, and in `hotcopy.json`: what was measured, over all tries.

    Losses are those of the copy that loses most. Holes are those of the copy with most holes.
    """
    taken = [copy for copy in copies if not copy.refused]
    outcomes = [checks.is_consistent(copy).outcome for copy in taken]
    worst = max(taken, key=checks.data_loss_s, default=None)
    missing = checks.missing(worst) if worst else []
    holes = max((checks.holes(copy) for copy in taken), key=len, default=[])
    failed = {v.check for copy in taken for v in copy.verdicts if v.outcome is Outcome.FAIL}
    verdict = checks.never_failed(copies)
    return {
        "way": method.name,
        "what": method.what,
        "store_mb": _megabytes(copies[0].store_bytes),
        "tries": len(copies),
        "consistent": outcomes.count(Outcome.PASS),
        "bad": outcomes.count(Outcome.FAIL),
        "refused": len(copies) - len(taken),
        "outcome": str(verdict.outcome),
        "message": verdict.message,
        "copy_s": round(median(copy.ended - copy.began for copy in copies), 3),
        "held_s": _longest([copy.held_s for copy in copies]),
        "stalled_s": round(max(copy.stalled_s for copy in copies), 3),
        "usual_s": round(max(copy.usual_s for copy in copies), 3),
        "data_loss_s": round(checks.data_loss_s(worst), 3) if worst else None,
        "missing": len(missing),
        "oldest_missing": [write.id for write in missing[:10]],
        "holes": [write.id for write in holes[:10]],
        "failed_checks": sorted(failed),
        "load": round(os.getloadavg()[0], 1),
    }


def _prove(place: Path) -> Validation:
    if is_export(place):
        return prove_export(place)
    return validate(place, (), None, None, serve=True)


def _present_writes(place: Path, writes: CollectionInfo) -> dict[str, int]:
    """Complete writes in the copy; none where it cannot be read, which the check suite reports."""
    try:
        if is_export(place):
            return complete_writes(open_export(place).pages(writes.key), dimension=DIMENSION)
        with Store.open(place) as store:
            infos = [info for info in store.collections() if info.key == writes.key]
            return complete_writes(store.pages(infos[0]), dimension=DIMENSION) if infos else {}
    except DrillError:
        return {}


def _megabytes(count: int | None) -> float | None:
    return None if count is None else round(count / 1e6, 1)


def _longest(seconds: Sequence[float | None]) -> float | None:
    known = [second for second in seconds if second is not None]
    return round(max(known), 3) if known else None


def _longest_wait(times: Sequence[float], began: float) -> float:
    """Between two acknowledgements of which the second came after the copy began."""
    waits = [after - before for before, after in itertools.pairwise(times) if after >= began]
    return max(waits, default=0.0)
