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
from chromadrill.monitoring.diagnosis.storage import files_gone_of, growth_of, store_of, usage_of
from chromadrill.monitoring.diagnosis.symptoms import Size, Symptoms
from chromadrill.monitoring.logs.classify import Found, read_errors
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.queries.sampled_records import sample_collections

TIMEOUT_S = 10.0
SEARCHES, TOGETHER = 10, 4


def collect(target: Target, scopes: Sequence[Scope], *, lines: int) -> tuple[Symptoms, list[Found]]:
    """The symptoms, and what the log shows of known trouble."""
    connects_ms, connect_trouble = _connect(target.url)
    found: list[Found] = []
    log: dict[str, int] | None = None
    if isinstance(target, HasLogs):
        with contextlib.suppress(DrillError):
            found = read_errors(target.logs(lines).splitlines())
            log = {each.pattern.name: each.count for each in found}
    usage = usage_of(target)
    heartbeat_ms, heartbeat_trouble = None, connect_trouble
    sizes: list[Size] = []
    asked: list[KnownAnswer] = []
    wrong: list[str] = []
    alone: list[float] = []
    together: list[float] = []
    if connects_ms is not None:
        with Chroma(target.url, timeout_s=TIMEOUT_S) as chroma:
            heartbeat_ms, heartbeat_trouble = _timed(chroma)
            if heartbeat_ms is not None:
                sizes, wrong = _sizes(chroma, scopes)
                asked, more = _questions(chroma, scopes)
                wrong += more
                alone = _search(target.url, asked * SEARCHES, 1, wrong)[:SEARCHES]
                together = _search(target.url, (asked * SEARCHES)[: TOGETHER * 3], TOGETHER, wrong)
    symptoms = Symptoms(
        url=target.url,
        running=target.running() if isinstance(target, Restartable) else None,
        connects_ms=connects_ms,
        connect_trouble=connect_trouble,
        heartbeat_ms=heartbeat_ms,
        heartbeat_trouble=heartbeat_trouble,
        searches_ms=tuple(alone),
        together_ms=tuple(together),
        read_errors=tuple(wrong),
        sizes=tuple(sizes),
        log=log,
        log_steps={each.pattern.name: each.pattern.runbook for each in found},
        memory_bytes=usage.memory_bytes if usage else None,
        memory_limit_bytes=usage.memory_limit_bytes if usage else None,
        oom_kills=usage.oom_kills if usage else None,
        disk_bytes=usage.disk_bytes if usage else None,
        disk_limit_bytes=usage.disk_limit_bytes if usage else None,
        growth_bytes_a_day=growth_of(target),
        files_gone=files_gone_of(target),
        store=store_of(target, sizes),
    )
    return symptoms, found


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


def _timed(chroma: Chroma) -> tuple[float | None, str]:
    started = now()
    try:
        chroma.heartbeat()
    except (CallFailed, KeyError, TypeError, ValueError) as error:
        return None, str(error)[:200]
    return 1000 * (now() - started), ""


def _sizes(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[list[Size], list[str]]:
    sizes: list[Size] = []
    wrong: list[str] = []
    for scope in scopes:
        try:
            infos = chroma.collections(scope)
        except CallFailed as error:
            wrong.append(str(error)[:200])
            continue
        for info in infos:
            try:
                sizes.append(_size(info, chroma.count(info)))
            except CallFailed as error:
                wrong.append(f"{info.key}: {error}"[:200])
    return sizes, wrong


def _size(info: CollectionInfo, count: int) -> Size:
    index = (info.configuration or {}).get("hnsw") or {}
    return Size(
        info.key,
        count,
        info.dimension or 0,
        int(index.get("max_neighbors") or 16),
        int(index.get("ef_search") or 100),
    )


def _questions(chroma: Chroma, scopes: Sequence[Scope]) -> tuple[list[KnownAnswer], list[str]]:
    """Of the largest collection with right answers; and what is wrong with any of up to 20."""
    try:
        sampled = sample_collections(chroma, scopes)
    except CallFailed as error:
        return [], [f"a record with its vector: {error}"[:200]]
    largest = sampled.samples[0] if sampled.samples else ()
    return list(largest), [f"wrong answer: {wrong}"[:200] for wrong in sampled.wrong]


def _search(url: str, asked: Sequence[KnownAnswer], workers: int, wrong: list[str]) -> list[float]:
    """Milliseconds of each search that was answered right; the others go into `wrong`."""

    def one(each: KnownAnswer) -> float | None:
        started = now()
        try:
            with Chroma(url, timeout_s=TIMEOUT_S) as chroma:
                said = each.ask(chroma, chroma.collection(each.scope, each.collection))
        except CallFailed as error:
            said = str(error)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            said = f"strange answer: {error!r}"
        if said:
            wrong.append(f"search: {said}"[:200])
            return None
        return 1000 * (now() - started)

    with ThreadPoolExecutor(workers) as pool:
        return [ms for ms in pool.map(one, asked[: SEARCHES if workers == 1 else None]) if ms]
