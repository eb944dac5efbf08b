"""The fingerprint of a running server, read via HTTP check by check: what it holds, how it answers.

Every check that fails leaves a ReadError, and the next one is tried where it makes sense. A server
that is dead or hangs ends the observation: after two missed deadlines it will not answer the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from chromadrill.chroma.api_values import to_page
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.chroma.fingerprint import reference_queries, server_answers
from chromadrill.chroma.fingerprint.digests import NO_RECORDS, record_table
from chromadrill.chroma.fingerprint.grader import EarlierGrader, Grader, finite_rows
from chromadrill.chroma.fingerprint.reference_queries import SAMPLE, ReferenceQuery
from chromadrill.chroma.fingerprint.restart_sample import RestartSample
from chromadrill.chroma.fingerprint.unreadable_vectors import page_despite_lost_vectors
from chromadrill.core.clock import now, utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.in_flight import in_flight
from chromadrill.core.memory import without_cycle_search
from chromadrill.core.model import (
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Observation,
    Page,
    ReadError,
    Scope,
)
from chromadrill.core.progress import Advance
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool

PAGE = 1000
HELD = 5 * PAGE  # records of a collection that is held at once, so that its questions cost no call
NAMED = 5  # records that a sentence names


def fingerprint(
    chroma: Chroma,
    scopes: Sequence[Scope],
    *,
    only: Container[str] | None = None,
    advance: Advance = lambda done: None,
) -> Fingerprint:
    """Return the fingerprint of a healthy server. Raises Unavailable where any check fails.

    `only`: keys of the collections to read; by default all of the scopes. `advance` is called with the
    number of records of every page.
    """
    return require_readable(observe(chroma, scopes, only=only, advance=advance))


def require_readable(observation: Observation) -> Fingerprint:
    """Return what was observed. Raises Unavailable where any check failed, or a tenant is missing."""
    if observation.read_errors:
        first = observation.read_errors[0]
        raise Unavailable(
            f"No fingerprint: {len(observation.read_errors)} checks failed, the first is {first.step}"
            f" of {first.where}: {first.message}",
            next_step="Repair the source first; a fingerprint of a sick database proves nothing.",
        )
    if observation.missing_tenants:
        raise Unavailable(f"No such tenant: {', '.join(observation.missing_tenants)}.")
    return observation.fingerprint


def observe(
    chroma: Chroma,
    scopes: Sequence[Scope] = (),
    *,
    like: Fingerprint | None = None,
    only: Container[str] | None = None,
    sample: RestartSample | None = None,
    advance: Advance = lambda done: None,
) -> Observation:
    """Return what is in `scopes` (default: those of `like`, else the default pair).

    With `like` the server is asked the questions of that fingerprint. `only` and `advance` are those
    of `fingerprint`. What cannot be read is in the observation's `read_errors`. `sample`: after a
    restart of a server that was read to its end, the records of large collections that are read again.
    """
    wanted = tuple(scopes) or (like.scopes if like else (Scope(),))
    return _Observer(chroma, wanted, like, only, advance, sample).run()


class _ServerGone(Exception):
    """The server died or hangs: nothing further can be read."""


class _AccessLost(Exception):
    """The way to the data is closed: what was not read yet cannot be told."""


class _Observer:
    def __init__(
        self,
        chroma: Chroma,
        scopes: tuple[Scope, ...],
        like: Fingerprint | None,
        only: Container[str] | None = None,
        advance: Advance = lambda done: None,
        sample: RestartSample | None = None,
    ) -> None:
        self.sample = sample
        self.chroma, self.scopes, self.like, self.only = chroma, scopes, like, only
        self.advance = advance
        self.read_errors: list[ReadError] = []
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.deadlines_missed = 0
        self.access_error: str | None = None
        self.spool = Spool()

    def run(self) -> Observation:
        taken_at = utc_now()
        prints: dict[str, CollectionPrint] = {}
        databases: list[Scope] = []
        missing_tenants: list[str] = []
        versions: dict[str, str] = {}
        try:
            with self.step("start", self.chroma.url):
                versions = self.chroma.versions()
            infos = self.inventory(databases, missing_tenants)
            for info in infos:
                with self.step("count", info.key):
                    self.counts[info.key] = self.chroma.count(info)
            for info in infos:
                prints[info.key] = self.collection(info)
            with self.step("alive", self.chroma.url):
                self.chroma.heartbeat()
        except _ServerGone:
            pass
        except _AccessLost as lost:
            self.access_error = str(lost)
        fingerprint = Fingerprint(
            taken_at=taken_at,
            taken="live",
            versions=versions,
            scopes=self.scopes,
            databases=tuple(databases),
            collections=prints,
            finished_at=utc_now(),
        )
        return Observation(
            fingerprint,
            tuple(self.read_errors),
            tuple(missing_tenants),
            self.counts,
            self.seconds,
            self.access_error,
        )

    @contextmanager
    def step(self, name: str, where: str) -> Iterator[None]:
        """Note the time of a check, and its error instead of raising it."""
        started = now()
        try:
            yield
        except CallFailed as error:
            self.read_errors.append(ReadError(name, where, str(error), not error.is_access))
            if error.is_access:
                raise _AccessLost(f"{where}: {error}") from error
            self.deadlines_missed += error.is_timeout
            if self.deadlines_missed >= 2 or (error.status == 0 and not self.is_alive()):
                raise _ServerGone from error
        except (KeyError, TypeError, ValueError, IndexError) as error:
            self.read_errors.append(ReadError(name, where, f"strange answer: {error!r}"))
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + now() - started

    def is_alive(self) -> bool:
        try:
            self.chroma.heartbeat()
        except CallFailed as error:
            if error.is_access:
                raise _AccessLost(f"{self.chroma.url}: {error}") from error
            self.read_errors.append(ReadError("alive", self.chroma.url, str(error)))
            return False
        return True

    def inventory(self, databases: list[Scope], missing_tenants: list[str]) -> list[CollectionInfo]:
        infos: list[CollectionInfo] = []
        for tenant in sorted({scope.tenant for scope in self.scopes}):
            with self.step("inventory", tenant):
                if not self.chroma.tenant_exists(tenant):
                    # its collections may still answer via raw HTTP (measured): read on
                    missing_tenants.append(tenant)
                databases += [Scope(tenant, name) for name in self.chroma.databases(tenant)]
        for scope in self.scopes:
            with self.step("inventory", str(scope)):
                try:
                    infos += self.chroma.collections(scope)
                except CallFailed as error:
                    if not error.is_missing:
                        raise
        return [info for info in infos if self.only is None or info.key in self.only]

    # ---- one collection -------------------------------------------------------------------------
    def collection(self, info: CollectionInfo) -> CollectionPrint:
        before = len(self.read_errors)
        with self.step("records", info.key):
            info = dataclasses.replace(info, space=true_space(self.chroma, info))
        like = self.like.collections.get(info.key) if self.like else None
        count = self.counts.get(info.key, -1)
        empty = CollectionPrint(info, count, NO_RECORDS)
        sampled = self.sample is not None and info.key in self.sample.ids
        questions, pages = self.questions_and_pages(info, count, like, sampled)
        grader: Grader = (
            self.earlier_grader(info, questions) if sampled else Grader(info.space, questions)
        )
        sorter = Sorter(self.spool)
        not_finite: list[str] = []
        with self.step("records", info.key), without_cycle_search():
            for page in pages:
                sorter.add(record_table(page))
                grader.read(page)
                rows = np.flatnonzero(~finite_rows(page.vectors))
                not_finite += [f"'{page.ids[row]}'" for row in rows]
                self.advance(len(page.ids))
        if not_finite:
            names = ", ".join(not_finite[:NAMED]) + (", ..." if len(not_finite) > NAMED else "")
            message = f"{len(not_finite)} vectors hold NaN or infinity ({names})"
            self.read_errors.append(ReadError("records", info.key, message))
        if len(self.read_errors) > before and not sorter.rows:
            return empty
        records = sorter.records()
        answers = server_answers.ask(
            self.chroma, info, grader.questions, grader.answers(), self.step
        )
        recall = server_answers.recall(self.chroma, info, grader.selves(), answers, self.step)
        return CollectionPrint(info, count, records, tuple(answers), recall)

    def questions_and_pages(
        self, info: CollectionInfo, count: int, like: CollectionPrint | None, sampled: bool
    ) -> tuple[list[ReferenceQuery], Iterable[Page]]:
        """The questions to ask, and the records they are graded by; pages are read as they are used.

        Those of a small collection that nobody asked before are read first: its questions are chosen of
        them, which saves a call for each.
        """
        questions: list[ReferenceQuery] = []
        if like is None and 0 < count <= HELD:
            held: list[Page] = []
            with self.step("records", info.key), without_cycle_search():
                for page in self.pages(info):
                    held.append(page)  # one by one: an error later leaves what was read
                questions = reference_queries.choose(_spread(held), info.schema)
            return questions, held
        with self.step("records", info.key):
            questions = self.questions(info, count, like)
        return questions, self.sampled_pages(info) if sampled else self.pages(info)

    # ---- a sample of one collection, after a restart ------------------------------------------------
    def earlier_grader(
        self, info: CollectionInfo, questions: Sequence[ReferenceQuery]
    ) -> EarlierGrader:
        assert self.sample is not None  # noqa: S101 - asked for by the caller
        earlier = self.sample.first.collections[info.key].answers
        return EarlierGrader(info.space, questions, earlier)

    def sampled_pages(self, info: CollectionInfo) -> Iterator[Page]:
        assert self.sample is not None  # noqa: S101 - asked for by the caller
        ids = self.sample.ids[info.key]
        parts = [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]
        for flight in in_flight(partial(self.records_of, info, part) for part in parts):
            if (page := flight.result()).ids:
                yield page

    # ---- all of it ------------------------------------------------------------------------------
    def pages(self, info: CollectionInfo) -> Iterator[Page]:
        read = 0
        try:
            for page in self.chroma.pages(info):
                read += len(page.ids)
                yield page
        except CallFailed as error:
            if error.status == 0 or error.is_access:
                raise
            # typically 500 "Error finding id": documents are there, vectors are not. Say of whom.
            self.read_errors.append(ReadError("records", info.key, str(error)))
            yield from page_despite_lost_vectors(self.chroma, info, offset=read, size=PAGE)

    def questions(
        self, info: CollectionInfo, count: int, like: CollectionPrint | None
    ) -> list[ReferenceQuery]:
        if like is not None:
            stored, ids = reference_queries.questions_of(like.answers)
            if not ids:
                return reference_queries.bind(stored, _no_records())
            return reference_queries.bind(stored, self.records_of(info, ids))
        if count <= 0:
            return []
        calls = [partial(self.chroma.page, info, limit=1, offset=at) for at in _offsets(count)]
        pages = [flight.result() for flight in in_flight(calls)]
        return reference_queries.choose(_concat(pages), info.schema)

    def records_of(self, info: CollectionInfo, ids: Sequence[str]) -> Page:
        try:
            raw = self.chroma.get(
                info, ids=ids, include=("documents", "metadatas", "uris", "embeddings")
            )
        except CallFailed as error:
            if error.status == 0 or error.is_access:
                raise
            return next(page_despite_lost_vectors(self.chroma, info, ids=ids), _no_records())
        return to_page(raw, info.dimension or 0) if raw["ids"] else _no_records()


def _no_records() -> Page:
    return Page([], [], [], [], np.empty((0, 0), np.float32))


def _spread(pages: Sequence[Page]) -> Page:
    """At most SAMPLE of the records of these pages, evenly spread over them all."""
    rows = [(page, row) for page in pages for row in range(len(page.ids))]
    chosen = [rows[at] for at in _offsets(len(rows))]
    if not chosen:
        return _no_records()
    return Page(
        ids=[page.ids[row] for page, row in chosen],
        documents=[page.documents[row] for page, row in chosen],
        metadatas=[page.metadatas[row] for page, row in chosen],
        uris=[page.uris[row] for page, row in chosen],
        vectors=np.stack([page.vectors[row] for page, row in chosen]),
        without_vector=tuple(
            number for number, (page, row) in enumerate(chosen) if row in page.without_vector
        ),
    )


def _offsets(count: int) -> list[int]:
    return [int(at) for at in np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(int))]


def _concat(pages: Sequence[Page]) -> Page:
    return Page(
        ids=[record for page in pages for record in page.ids],
        documents=[document for page in pages for document in page.documents],
        metadatas=[metadata for page in pages for metadata in page.metadatas],
        uris=[uri for page in pages for uri in page.uris],
        vectors=np.concatenate([page.vectors for page in pages]),
    )
