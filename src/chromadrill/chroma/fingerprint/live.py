"""What a running server holds and how it answers, read over HTTP, check by check.

Every check that fails leaves a Trouble and the next one is tried where it makes sense; a server
that is dead or hangs ends the observation (two deadlines missed: it will not answer the rest).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from chromadrill.chroma.api_values import to_page
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.chroma.fingerprint import probes
from chromadrill.chroma.fingerprint.digests import RECORDS, record_table, set_digest
from chromadrill.chroma.fingerprint.unreadable_vectors import page_despite_lost_vectors
from chromadrill.core.clock import now, utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import (
    Answer,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Observation,
    Page,
    ReadError,
    Recall,
    Scope,
)
from chromadrill.core.progress import Advance

PAGE = 1000
BATCH = 200  # queries sent together
SAME_PLACE = 1e-5  # distances this close are one place: ten copies of a text tie


def fingerprint(
    chroma: Chroma,
    scopes: Sequence[Scope],
    *,
    only: Container[str] | None = None,
    advance: Advance = lambda done: None,
) -> Fingerprint:
    """Take the fingerprint of a healthy server; raises Unavailable when any check fails.

    `only`: keys of the collections to look at; by default all of the scopes. `advance` is told of
    every page's records.
    """
    seen = observe(chroma, scopes, only=only, advance=advance)
    if seen.read_errors:
        first = seen.read_errors[0]
        raise Unavailable(
            f"No fingerprint: {len(seen.read_errors)} readings failed, first {first.step} of"
            f" {first.where}: {first.message}",
            next_step="Repair the source first; a fingerprint of a sick database proves nothing.",
        )
    if seen.missing_tenants:
        raise Unavailable(f"No such tenant: {', '.join(seen.missing_tenants)}.")
    return seen.fingerprint


def observe(
    chroma: Chroma,
    scopes: Sequence[Scope] = (),
    *,
    like: Fingerprint | None = None,
    only: Container[str] | None = None,
    advance: Advance = lambda done: None,
) -> Observation:
    """See everything in `scopes` (default: those of `like`, else the default pair).

    With `like`, the same questions are put as in that fingerprint. `only`: keys of the collections
    to look at; by default all of the scopes.
    """
    wanted = tuple(scopes) or (like.scopes if like else (Scope(),))
    return _Observer(chroma, wanted, like, only, advance).run()


class _ServerGone(Exception):
    """The server died or hangs; nothing further can be seen."""


class _Observer:
    def __init__(
        self,
        chroma: Chroma,
        scopes: tuple[Scope, ...],
        like: Fingerprint | None,
        only: Container[str] | None = None,
        advance: Advance = lambda done: None,
    ) -> None:
        self.chroma, self.scopes, self.like, self.only = chroma, scopes, like, only
        self.advance = advance
        self.read_errors: list[ReadError] = []
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.deadlines_missed = 0

    def run(self) -> Observation:
        taken_at = utc_now()
        prints: dict[str, CollectionPrint] = {}
        databases: list[Scope] = []
        tenants_gone: list[str] = []
        versions: dict[str, str] = {}
        try:
            with self.step("start", self.chroma.url):
                versions = self.chroma.versions()
            infos = self.inventory(databases, tenants_gone)
            for info in infos:
                with self.step("count", info.key):
                    self.counts[info.key] = self.chroma.count(info)
            for info in infos:
                prints[info.key] = self.collection(info)
            with self.step("alive", self.chroma.url):
                self.chroma.heartbeat()
        except _ServerGone:
            pass
        seen = Fingerprint(
            taken_at=taken_at,
            taken="live",
            versions=versions,
            scopes=self.scopes,
            databases=tuple(databases),
            collections=prints,
        )
        return Observation(
            seen, tuple(self.read_errors), tuple(tenants_gone), self.counts, self.seconds
        )

    @contextmanager
    def step(self, name: str, where: str) -> Iterator[None]:
        """Note the time of a check and, instead of raising, its trouble."""
        started = now()
        try:
            yield
        except CallFailed as error:
            self.read_errors.append(ReadError(name, where, str(error)))
            self.deadlines_missed += error.is_timeout
            if self.deadlines_missed >= 2 or (error.status == 0 and not self.answers()):
                raise _ServerGone from error
        except (KeyError, TypeError, ValueError, IndexError) as error:
            self.read_errors.append(ReadError(name, where, f"strange answer: {error!r}"))
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + now() - started

    def answers(self) -> bool:
        try:
            self.chroma.heartbeat()
        except CallFailed as error:
            self.read_errors.append(ReadError("alive", self.chroma.url, str(error)))
            return False
        return True

    def inventory(self, databases: list[Scope], tenants_gone: list[str]) -> list[CollectionInfo]:
        infos: list[CollectionInfo] = []
        for tenant in sorted({scope.tenant for scope in self.scopes}):
            with self.step("inventory", tenant):
                if not self.chroma.tenant_exists(tenant):
                    # its collections may still answer over raw HTTP (measured): look on
                    tenants_gone.append(tenant)
                databases += [Scope(tenant, name) for name in self.chroma.databases(tenant)]
        for scope in self.scopes:
            with self.step("inventory", str(scope)):
                try:
                    infos += self.chroma.collections(scope)
                except CallFailed as error:
                    if error.status != 404:
                        raise
        return [each for each in infos if self.only is None or each.key in self.only]

    # ---- one collection -------------------------------------------------------------------------
    def collection(self, info: CollectionInfo) -> CollectionPrint:
        with self.step("records", info.key):
            info = dataclasses.replace(info, space=true_space(self.chroma, info))
        like = self.like.collections.get(info.key) if self.like else None
        count = self.counts.get(info.key, -1)
        empty = CollectionPrint(info, count, RECORDS.empty_table())
        questions: list[probes.Question] = []
        with self.step("records", info.key):
            questions = self.questions(info, count, like)
        grader = probes.Grader(info.space, questions)
        tables = [RECORDS.empty_table()]
        before = len(self.read_errors)
        with self.step("records", info.key):
            for page in self.pages(info):
                tables.append(record_table(page))
                grader.read(page)
                self.advance(len(page.ids))
        if len(self.read_errors) > before and len(tables) == 1:
            return empty
        records = pa.concat_tables(tables).sort_by("id")
        answers = self.ask(info, grader)
        recall = self.recall(info, grader, answers)
        return CollectionPrint(info, count, records, tuple(answers), recall)

    def pages(self, info: CollectionInfo) -> Iterator[Page]:
        read = 0
        try:
            for page in self.chroma.pages(info, size=PAGE):
                read += len(page.ids)
                yield page
        except CallFailed as error:
            if error.status == 0:
                raise
            # typically 500 "Error finding id": documents are there, vectors are not. Say of whom.
            self.read_errors.append(ReadError("records", info.key, str(error)))
            yield from page_despite_lost_vectors(self.chroma, info, offset=read, size=PAGE)

    def questions(
        self, info: CollectionInfo, count: int, like: CollectionPrint | None
    ) -> list[probes.Question]:
        if like is not None:
            asked = [(each.kind, each.question) for each in like.answers]
            ids = sorted({q["id"] for _, q in asked if "id" in q})
            if not ids:
                return probes.bind(asked, _nothing())
            return probes.bind(asked, self.records_of(info, ids))
        if count <= 0:
            return []
        steps = np.unique(np.linspace(0, count - 1, min(probes.SAMPLE, count)).astype(int))
        pages = [self.chroma.page(info, limit=1, offset=int(at)) for at in steps]
        return probes.choose(_joined(pages), info.schema)

    def records_of(self, info: CollectionInfo, ids: Sequence[str]) -> Page:
        try:
            raw = self.chroma.get(
                info, ids=ids, include=("documents", "metadatas", "uris", "embeddings")
            )
        except CallFailed as error:
            if error.status == 0:
                raise
            return next(page_despite_lost_vectors(self.chroma, info, ids=ids), _nothing())
        return to_page(raw, info.dimension or 0) if raw["ids"] else _nothing()

    def ask(self, info: CollectionInfo, grader: probes.Grader) -> list[Answer]:
        """Put every question to the server; a failed call is the answer's `trouble`."""
        answers = grader.answers()
        plain = [n for n, q in enumerate(grader.questions) if q.kind == "neighbours"]
        for start in range(0, len(plain), BATCH):
            group = plain[start : start + BATCH]
            vectors = np.stack([_vector(grader.questions[n]) for n in group])
            with self.step("neighbours", info.key):
                raw = self.chroma.query(info, vectors, n_results=probes.NEIGHBOURS)
                for n, ids, near in zip(group, raw["ids"], raw["distances"], strict=True):
                    answers[n] = _answered(answers[n], zip(ids, near, strict=True))
        for n, question in enumerate(grader.questions):
            if question.kind == "neighbours":
                continue
            with self.step(question.kind, info.key):
                answers[n] = self.ask_one(info, question, answers[n])
        return answers

    def ask_one(self, info: CollectionInfo, question: probes.Question, answer: Answer) -> Answer:
        if question.kind == "filtered neighbours":
            raw = self.chroma.query(
                info,
                _vector(question)[None, :],
                n_results=probes.NEIGHBOURS,
                where=question.asked["where"],
            )
            return _answered(answer, zip(raw["ids"][0], raw["distances"][0], strict=True))
        if question.kind == "filter":
            raw = self.chroma.get(info, where=question.asked["where"])
        else:
            raw = self.chroma.get(info, where_document={"$contains": question.words})
        return dataclasses.replace(answer, answered=tuple(set_digest(raw["ids"])))

    def recall(
        self, info: CollectionInfo, grader: probes.Grader, answers: Sequence[Answer]
    ) -> Recall | None:
        ids, vectors = grader.selves()
        if not ids:
            return None
        missed: list[str] = []
        asked = 0
        for start in range(0, len(ids), BATCH):
            group = ids[start : start + BATCH]
            with self.step("self-recall", info.key):
                raw = self.chroma.query(
                    info, vectors[start : start + BATCH], n_results=probes.NEIGHBOURS
                )
                asked += len(group)
                missed += [
                    own
                    for own, found, near in zip(group, raw["ids"], raw["distances"], strict=True)
                    if own not in found and not _all_tie(near)
                ]
        found, wanted = neighbours_found(answers)
        return Recall(found, wanted, asked - len(missed), len(ids), tuple(missed))


def neighbours_found(answers: Sequence[Answer]) -> tuple[int, int]:
    """How many of the exact neighbours were returned: by distance, since equal ones are equal."""
    found = wanted = 0
    for answer in answers:
        if answer.kind != "neighbours" or not answer.expected:
            continue
        wanted += len(answer.expected)
        reach = answer.expected[-1][1]
        near = [d for _, d in answer.answered or ()]
        found += sum(d <= reach + SAME_PLACE + 1e-4 * abs(reach) for d in near)
    return found, wanted


def _all_tie(near: Sequence[float]) -> bool:
    """More than ten records at one place crowd each other out; that is no loss."""
    return len(near) == probes.NEIGHBOURS and near[-1] - near[0] <= SAME_PLACE


def _answered(answer: Answer, pairs: zip[tuple[str, float]]) -> Answer:
    return dataclasses.replace(answer, answered=tuple([i, float(d)] for i, d in pairs))


def _vector(question: probes.Question) -> np.ndarray:
    assert question.vector is not None  # noqa: S101 - only asked of questions with vectors
    return question.vector


def _nothing() -> Page:
    return Page([], [], [], [], np.empty((0, 0), np.float32))


def _joined(pages: Sequence[Page]) -> Page:
    return Page(
        ids=[i for page in pages for i in page.ids],
        documents=[d for page in pages for d in page.documents],
        metadatas=[m for page in pages for m in page.metadatas],
        uris=[u for page in pages for u in page.uris],
        vectors=np.concatenate([page.vectors for page in pages]),
    )
