"""Symptoms of a target: only reads, each with a time limit."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.core.protocols import HasLogs, Restartable, Target
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
SEARCHES, CONCURRENT = 10, 4


def collect(
    target: Target, scopes: Sequence[Scope], *, lines: int
) -> tuple[Symptoms, list[LogFinding]]:
    """The symptoms, and the findings in the log."""
    connects_ms, connect_error = _connect(target.url)
    findings: list[LogFinding] = []
    log: dict[str, int] | None = None
    if isinstance(target, HasLogs):
        with contextlib.suppress(DrillError):
            findings = classify(target.logs(lines).splitlines())
            log = {finding.pattern.name: finding.count for finding in findings}
    usage = usage_of(target)
    heartbeat_ms, heartbeat_error = None, connect_error
    sizes: list[CollectionSize] = []
    failures: list[str] = []
    searches_ms: list[float] = []
    concurrent_ms: list[float] = []
    if connects_ms is not None:
        with Chroma(target.url, timeout_s=TIMEOUT_S) as chroma:
            heartbeat_ms, heartbeat_error = _heartbeat(chroma)
            if heartbeat_ms is not None:
                sizes, failures = _sizes(chroma, scopes)
                questions, wrong = _questions(chroma, scopes)
                failures += wrong
                searches = questions * SEARCHES
                searches_ms = _search(target.url, searches[:SEARCHES], 1, failures)
                concurrent_ms = _search(
                    target.url, searches[: CONCURRENT * 3], CONCURRENT, failures
                )
    symptoms = Symptoms(
        url=target.url,
        running=target.running() if isinstance(target, Restartable) else None,
        connects_ms=connects_ms,
        connect_error=connect_error,
        heartbeat_ms=heartbeat_ms,
        heartbeat_error=heartbeat_error,
        searches_ms=tuple(searches_ms),
        concurrent_ms=tuple(concurrent_ms),
        failures=tuple(failures),
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
    )
    return symptoms, findings


def _connect(url: str) -> tuple[float | None, str]:
    """Milliseconds until the port takes a connection: the network alone."""
    parsed = httpx.URL(url)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    started = now()
    try:
        socket.create_connection((parsed.host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        return None, f"{parsed.host}:{port}: {error.strerror or error}"
    return 1000 * (now() - started), ""


def _heartbeat(chroma: Chroma) -> tuple[float | None, str]:
    started = now()
    try:
        chroma.heartbeat()
    except (CallFailed, KeyError, TypeError, ValueError) as error:
        return None, str(error)[:200]
    return 1000 * (now() - started), ""


def _sizes(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[list[CollectionSize], list[str]]:
    sizes: list[CollectionSize] = []
    failures: list[str] = []
    for scope in scopes:
        try:
            infos = chroma.collections(scope)
        except CallFailed as error:
            failures.append(str(error)[:200])
            continue
        for info in infos:
            try:
                sizes.append(_size(info, chroma.count(info)))
            except CallFailed as error:
                failures.append(f"{info.key}: {error}"[:200])
    return sizes, failures


def _size(info: CollectionInfo, count: int) -> CollectionSize:
    index = (info.configuration or {}).get("hnsw") or {}
    return CollectionSize(
        info.key,
        count,
        info.dimension or 0,
        int(index.get("max_neighbors") or 16),
        int(index.get("ef_search") or 100),
    )


def _questions(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[list[KnownAnswer], list[str]]:
    """Questions of the largest collection, and what is wrong with any of up to 20 collections."""
    try:
        sampled = sample_collections(chroma, scopes)
    except CallFailed as error:
        return [], [f"a record with its vector: {error}"[:200]]
    largest = sampled.samples[0] if sampled.samples else ()
    return list(largest), [f"wrong answer: {wrong}"[:200] for wrong in sampled.wrong]


def _search(
    url: str, questions: Sequence[KnownAnswer], workers: int, failures: list[str]
) -> list[float]:
    """Milliseconds of each search that was answered right; the others go into `failures`."""

    def search_ms(question: KnownAnswer) -> float | None:
        started = now()
        try:
            with Chroma(url, timeout_s=TIMEOUT_S) as chroma:
                info = chroma.collection(question.scope, question.collection)
                wrong = question.ask(chroma, info)
        except CallFailed as error:
            wrong = str(error)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            wrong = f"strange answer: {error!r}"
        if wrong:
            failures.append(f"search: {wrong}"[:200])
            return None
        return 1000 * (now() - started)

    with ThreadPoolExecutor(workers) as pool:
        return [ms for ms in pool.map(search_ms, questions) if ms]
