"""The fingerprint of a server that others write to: each record as it was at some time between two.

The ids of a collection are listed by one call, which the server answers from one statement of its
database: no id comes twice, and none is left out. The records are then asked for by id, a part at a
time, and one that was deleted since is not there. Paging by offset would leave out as many records as
clients delete meanwhile, and costs the server the same (20,000 records of 384 dimensions: 1.3 s both).
A collection of fewer records than a part is read by one call.

No reference queries are asked: they would be a load, and their answers change while others write. Some
200 records of a collection are asked to find themselves, so that the index of a copy has a measure.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from chromadrill.chroma.api_values import to_page
from chromadrill.chroma.client import ALL_COLUMNS, CallFailed, Chroma
from chromadrill.chroma.distance_metric import space_of_answers
from chromadrill.chroma.fingerprint import server_answers
from chromadrill.chroma.fingerprint.digests import record_table
from chromadrill.chroma.fingerprint.grader import finite_rows
from chromadrill.chroma.fingerprint.unreadable_vectors import page_despite_lost_vectors
from chromadrill.chroma.ids_json import id_slices
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.memory import without_cycle_search
from chromadrill.core.model import CollectionInfo, CollectionPrint, Fingerprint, Page, Recall, Scope
from chromadrill.core.progress import Advance
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool

T = TypeVar("T")
SELVES, PLACES = 200, 20  # records of a collection that search for themselves; from so many parts
PART = 500  # records of one call: 33 ms of the server's time at 384 dimensions
# A record that is deleted while the server gathers an answer makes all of it a 500 (measured: 2 of 80
# calls under a client that does nothing but delete). Its vector lost for good makes every try one.
TRIES, PAUSE_S = 4, 0.05


@dataclass(frozen=True, slots=True)
class ServerRecording:
    """What a server held while it was read.

    `dropped`: keys of collections that clients removed meanwhile; they are not in the fingerprint.
    `without_vector`: key of a collection -> ids of the records whose vector the server has lost.
    """

    fingerprint: Fingerprint
    dropped: tuple[str, ...] = ()
    without_vector: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def record_server(
    chroma: Chroma,
    scopes: Sequence[Scope],
    *,
    whole_tenants: bool = True,
    advance: Advance = lambda done: None,
) -> ServerRecording:
    """Read every collection of the scopes, one call at a time, while others may write to them.

    `whole_tenants`: of every other database of their tenants too, as a copy of the volume holds them.
    `advance` is called with the number of records of every part. Raises CallFailed for a server that
    does not answer or fails, Unavailable for a tenant that is missing.
    """
    taken_at = utc_now()
    versions = chroma.versions()
    databases = _databases(chroma, scopes)
    if whole_tenants:
        scopes = tuple(dict.fromkeys((*scopes, *databases)))
    prints: dict[str, CollectionPrint] = {}
    dropped: list[str] = []
    without_vector: dict[str, tuple[str, ...]] = {}
    spool = Spool()
    for info in _inventory(chroma, scopes):
        try:
            collection, lost = _Reader(chroma, info, advance).read(spool)
        except CallFailed as error:
            if error.is_access or _is_there(chroma, info):
                raise
            dropped.append(info.key)
            continue
        prints[info.key] = collection
        if lost:
            without_vector[info.key] = lost
    fingerprint = Fingerprint(
        taken_at=taken_at,
        taken="recording",
        versions=versions,
        scopes=tuple(scopes),
        databases=databases,
        collections=prints,
        finished_at=utc_now(),
    )
    return ServerRecording(fingerprint, tuple(dropped), without_vector)


def pages_by_id(chroma: Chroma, info: CollectionInfo) -> Iterator[Page]:
    """Yield the records of a collection while others may write to it: each as it is at some time.

    No id comes twice. Records without a vector are named in `without_vector`. Raises CallFailed.
    """
    reader = _Reader(chroma, info, lambda done: None)
    for part in reader.parts():
        page = reader.page(part)
        if page.ids:
            yield page


def _databases(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[Scope, ...]:
    tenants = sorted({scope.tenant for scope in scopes})
    missing = [tenant for tenant in tenants if not chroma.tenant_exists(tenant)]
    if missing:
        raise Unavailable(f"No such tenant: {', '.join(missing)}.")
    return tuple(Scope(tenant, name) for tenant in tenants for name in chroma.databases(tenant))


def _inventory(chroma: Chroma, scopes: Sequence[Scope]) -> Iterator[CollectionInfo]:
    for scope in scopes:
        try:
            yield from chroma.collections(scope)
        except CallFailed as error:
            if not error.is_missing:
                raise


def _is_there(chroma: Chroma, info: CollectionInfo) -> bool:
    """Whether this very collection exists still: another of the same name has another id."""
    try:
        return chroma.count(info) >= 0
    except CallFailed as error:
        if error.is_missing:
            return False
        raise


class _Reader:
    """Reads one collection."""

    def __init__(self, chroma: Chroma, info: CollectionInfo, advance: Advance) -> None:
        self.chroma, self.info, self.advance = chroma, info, advance
        self.without_vector: list[str] = []
        self.found = self.asked = 0

    def read(self, spool: Spool) -> tuple[CollectionPrint, tuple[str, ...]]:
        """Return the fingerprint of the collection, and the ids of records without a vector."""
        info = dataclasses.replace(self.info, space=self._space())
        sorter = Sorter(spool)
        with without_cycle_search():
            for page, selves in self._pages():
                if page.ids:
                    sorter.add(record_table(page))
                    self._search_themselves(page, selves)
                self.without_vector += [page.ids[row] for row in page.without_vector]
                self.advance(len(page.ids))
        records = sorter.records()
        recall = Recall(0, 0, self.found, self.asked) if self.asked else None
        collection = CollectionPrint(info, len(records), records, recall=recall)
        return collection, tuple(self.without_vector)

    def _pages(self) -> Iterator[tuple[Page, int]]:
        """Yield all records, and how many of each page are to search for themselves."""
        page = self._all_at_once()
        if page is not None:
            yield page, SELVES
            return
        parts = math.ceil(self._repeated(lambda: self.chroma.count(self.info)) / PART) or 1
        step = math.ceil(parts / PLACES)  # parts between two that search for themselves
        selves = math.ceil(SELVES / math.ceil(parts / step))
        for number, part in enumerate(self.parts()):
            yield self.page(part), 0 if number % step else selves

    def _all_at_once(self) -> Page | None:
        """All records, where they are fewer than a part: thousands of small collections take long."""
        try:
            page = self._repeated(lambda: self.chroma.page(self.info, limit=PART, offset=0))
        except CallFailed as error:
            if error.status < 500 or error.is_access:
                raise
            return None  # a vector is lost: by their ids it is told whose
        return page if len(page.ids) < PART else None

    def _search_themselves(self, page: Page, most: int) -> None:
        """Ask some records of a page for their own vectors, right after they were read."""
        rows = (
            np.flatnonzero(finite_rows(page.vectors)) if page.vectors.shape[1] else np.empty(0, int)
        )
        rows = np.setdiff1d(rows, page.without_vector)
        most = min(most, len(rows))
        if not most:
            return
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]
        chosen = page.rows(rows.tolist())
        selves = (chosen.ids, chosen.vectors)
        try:
            recall = self._repeated(
                lambda: server_answers.recall(
                    self.chroma, self.info, selves, (), lambda *_: nullcontext()
                )
            )
        except CallFailed as error:
            if error.is_access:
                raise
            return  # a recording without this measure is one still
        if recall is not None:
            self.found += recall.self_found
            self.asked += recall.self_asked

    def _space(self) -> str:
        """The metric by the server's answers; a client may delete the records it is told by."""
        for _ in range(TRIES):
            space = self._repeated(lambda: space_of_answers(self.chroma, self.info))
            if space is not None or not self.chroma.count(self.info):
                break
        return space or self.info.space

    def parts(self) -> Iterator[list[str]]:
        waiting: list[str] = []
        for ids in id_slices(self._repeated(lambda: self.chroma.matching_ids(self.info))):
            waiting += ids
            while len(waiting) >= PART:
                yield waiting[:PART]
                del waiting[:PART]
        if waiting:
            yield waiting

    def page(self, ids: Sequence[str]) -> Page:
        """Those of the records that are there now; a lost vector leaves its row without one."""
        try:
            raw = self._repeated(lambda: self.chroma.get(self.info, ids=ids, include=ALL_COLUMNS))
        except CallFailed as error:
            if error.status == 0 or error.is_access or error.is_missing:
                raise
            return self._without_deleted(
                next(page_despite_lost_vectors(self.chroma, self.info, ids=ids), None)
            )
        return to_page(raw, self.info.dimension or 0)

    def _without_deleted(self, page: Page | None) -> Page:
        """A page without the records that lost their vectors because a client deleted them."""
        if page is None:
            return Page([], [], [], [], np.empty((0, 0), np.float32))
        lost = [page.ids[row] for row in page.without_vector]
        there = set(self.chroma.get(self.info, ids=lost)["ids"]) if lost else set[str]()
        deleted = set(lost) - there
        return page.rows([row for row, record in enumerate(page.ids) if record not in deleted])

    def _repeated(self, call: Callable[[], T]) -> T:
        """The result of a call that clients may disturb: a server's error is no answer at first."""
        for _ in range(TRIES - 1):
            try:
                return call()
            except CallFailed as error:
                if error.status < 500 or error.is_access:
                    raise
                time.sleep(PAUSE_S)
        return call()
