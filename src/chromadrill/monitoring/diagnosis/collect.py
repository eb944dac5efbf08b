"""Symptoms of a target: only reads, each with a time limit."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from chromadrill.backups.flusher.flusher import is_alive
from chromadrill.chroma.access_errors import PROXY, next_step
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.connection import what_answered
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.http import connects_to, proxy_variable
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.core.protocols import HasLogs, Restartable, Scratch, Target
from chromadrill.monitoring.diagnosis.storage import (
    growth_of,
    is_database_missing,
    store_usage_of,
    usage_of,
)
from chromadrill.monitoring.diagnosis.symptoms import CollectionSize, Symptoms
from chromadrill.monitoring.logs.classify import LogFinding, classify
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.queries.sampled_records import sample_collections

TIMEOUT_S = 10.0
LONGEST = 400  # characters of what failed
SEARCHES, CONCURRENT = 10, 4


def collect(
    target: Target, scopes: Sequence[Scope], *, lines: int, flusher_heartbeat: str | None = None
) -> tuple[Symptoms, list[LogFinding]]:
    """The symptoms, and the findings in the log. `flusher_heartbeat`: of the flusher beside it."""
    connects_ms, connect_error = _connect(target.url)
    findings: list[LogFinding] = []
    log: dict[str, int] | None = None
    if isinstance(target, HasLogs):
        with contextlib.suppress(DrillError):
            findings = classify(target.logs(lines).splitlines())
            log = {finding.pattern.name: finding.count for finding in findings}
    usage = usage_of(target)
    heartbeat_ms, heartbeat_error = None, connect_error
    caller = _Caller(target.url, behind_gateway=not isinstance(target, Scratch))
    sizes: list[CollectionSize] = []
    searches_ms: list[float] = []
    concurrent_ms: list[float] = []
    proxy = proxy_variable(target.url)
    if connects_ms is None and proxy:
        message = f"{PROXY}{proxy} names cannot be reached: {connect_error}"
        caller.refusals.append(f"{message}. {next_step(0, message)}")
    if connects_ms is not None:
        with caller.client() as chroma:
            heartbeat_ms, heartbeat_error = _heartbeat(chroma, caller)
            if heartbeat_ms is not None:
                sizes = _sizes(chroma, scopes, caller)
                searches = _questions(chroma, scopes, caller) * SEARCHES
                searches_ms = _search(caller, searches[:SEARCHES], 1)
                concurrent_ms = _search(caller, searches[: CONCURRENT * 3], CONCURRENT)
    symptoms = Symptoms(
        url=target.url,
        running=target.running() if isinstance(target, Restartable) else None,
        connects_ms=connects_ms,
        connect_error=connect_error,
        heartbeat_ms=heartbeat_ms,
        heartbeat_error=heartbeat_error,
        searches_ms=tuple(searches_ms),
        concurrent_ms=tuple(concurrent_ms),
        failures=tuple(caller.failures),
        refusals=tuple(caller.refusals),
        sizes=tuple(sizes),
        log=log,
        memory_bytes=usage.memory_bytes if usage else None,
        memory_limit_bytes=usage.memory_limit_bytes if usage else None,
        oom_kills=usage.oom_kills if usage else None,
        disk_bytes=usage.disk_bytes if usage else None,
        disk_limit_bytes=usage.disk_limit_bytes if usage else None,
        growth_bytes_a_day=growth_of(target),
        is_database_missing=is_database_missing(target),
        store=store_usage_of(target, sizes),
        flusher=_flusher(flusher_heartbeat),
    )
    return symptoms, findings


def _flusher(heartbeat: str | None) -> tuple[bool, str] | None:
    if heartbeat is None:
        return None
    try:
        return is_alive(Path(heartbeat))
    except DrillError:
        return None


@dataclass
class _Caller:
    """Who asks the server: what failed, and what something in front of it did not let through."""

    url: str
    behind_gateway: bool
    failures: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def client(self) -> Chroma:
        return Chroma(
            self.url,
            timeout_s=TIMEOUT_S,
            behind_gateway=self.behind_gateway,
            longest_pause_s=TIMEOUT_S,
        )

    def note(self, where: str, error: CallFailed) -> None:
        if error.is_access:
            self.refusals.append(str(error)[:LONGEST])
        else:
            self.failures.append(f"{where}: {error}"[:LONGEST])


def _connect(url: str) -> tuple[float | None, str]:
    """Milliseconds until the port takes a connection, the proxy's where one is on the way."""
    host, port = connects_to(url)
    started = now()
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        return None, f"{host}:{port}: {error.strerror or error}"
    return 1000 * (now() - started), ""


def _heartbeat(chroma: Chroma, caller: _Caller) -> tuple[float | None, str]:
    started = now()
    try:
        chroma.heartbeat()
    except CallFailed as error:
        if error.is_access:
            caller.refusals.append(what_answered(caller.url, error)[: 2 * LONGEST])
        return None, str(error)[:LONGEST]
    return 1000 * (now() - started), ""


def _sizes(chroma: Chroma, scopes: Sequence[Scope], caller: _Caller) -> list[CollectionSize]:
    sizes: list[CollectionSize] = []
    for scope in scopes:
        try:
            infos = chroma.collections(scope)
        except CallFailed as error:
            caller.note(str(scope), error)
            continue
        for info in infos:
            try:
                sizes.append(_size(info, chroma.count(info)))
            except CallFailed as error:
                caller.note(info.key, error)
    return sizes


def _size(info: CollectionInfo, count: int) -> CollectionSize:
    index = (info.configuration or {}).get("hnsw") or {}
    return CollectionSize(
        info.key,
        count,
        info.dimension or 0,
        int(index.get("max_neighbors") or 16),
        int(index.get("ef_search") or 100),
    )


def _questions(chroma: Chroma, scopes: Sequence[Scope], caller: _Caller) -> list[KnownAnswer]:
    """Questions of the largest collection; notes what is wrong with any of up to 20 collections."""
    try:
        sampled = sample_collections(chroma, scopes)
    except CallFailed as error:
        caller.note("a record with its vector", error)
        return []
    caller.failures += [f"wrong answer: {wrong}"[:LONGEST] for wrong in sampled.wrong]
    return list(sampled.samples[0] if sampled.samples else ())


def _search(caller: _Caller, questions: Sequence[KnownAnswer], workers: int) -> list[float]:
    """Milliseconds of each search that was answered right; the others are noted."""

    def search_ms(question: KnownAnswer) -> float | None:
        started = now()
        try:
            with caller.client() as chroma:
                info = chroma.collection(question.scope, question.collection)
                wrong = question.ask(chroma, info)
        except CallFailed as error:
            caller.note("search", error)
            return None
        except (KeyError, IndexError, TypeError, ValueError) as error:
            wrong = f"strange answer: {error!r}"
        if wrong:
            caller.failures.append(f"search: {wrong}"[:LONGEST])
            return None
        return 1000 * (now() - started)

    with ThreadPoolExecutor(workers) as pool:
        return [ms for ms in pool.map(search_ms, questions) if ms]
