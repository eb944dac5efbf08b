"""RB-9's tree: each cause ruled out (PASS), found (FAIL), or not known here (UNKNOWN).

Pure functions of the symptoms. Their order is the tree's: the first FAIL is the most likely cause.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from chromadrill.core.model import Verdict
from chromadrill.monitoring.diagnosis.symptoms import Symptoms

MB = 1024 * 1024
SLOW_NETWORK_MS, SLOW_HEARTBEAT_MS = 200.0, 1000.0
EFFICIENT = 0.25  # of the store are vectors: less is documents, metadata, or waste
FULL_SOON_DAYS = 30
SMALL = 50 * MB  # what is smaller is no trouble, whatever its share

passed, failed, unknown = Verdict.passed, Verdict.failed, Verdict.unknown


# ---- timeouts -----------------------------------------------------------------------------------
def service(s: Symptoms) -> Verdict:
    if s.running is False:
        return failed("service status", "the server process does not run")
    if s.heartbeat_ms is None and s.refusals:
        return unknown("service status", "it was not asked: see access")
    if s.heartbeat_ms is None and s.connects_ms is not None:
        return failed(
            "service status", f"it takes connections, and answers none: {s.heartbeat_error}"
        )
    if s.heartbeat_ms is None:
        error = s.connect_error or s.heartbeat_error
        if s.running:
            return passed("service status", "the process runs; see the network")
        return failed("service status", f"nothing answers: {error}")
    return passed("service status", f"heartbeat after {s.heartbeat_ms:.0f} ms")


def network(s: Symptoms) -> Verdict:
    if s.connects_ms is None:
        if s.refusals:
            return unknown("network", "it could not be tried: see access")
        if s.running:
            return failed("network", f"the server runs, and no way leads there: {s.connect_error}")
        return unknown("network", "nothing to connect to")
    return _below("network", s.connects_ms, SLOW_NETWORK_MS, "ms", "a connection takes")


def access(s: Symptoms) -> Verdict:
    """Not being let in is no cause of a trouble that clients have, but nobody can look past it."""
    if s.refusals:
        return unknown("access", f"{len(s.refusals)} calls were not let through: {s.refusals[0]}")
    if s.heartbeat_ms is None:
        return unknown("access", "nothing could be asked")
    return passed("access", "every call was let through")


def out_of_memory(s: Symptoms) -> Verdict:
    lines = (s.log or {}).get("out of memory", 0)
    if s.oom_kills or lines:
        return failed("out of memory", f"{s.oom_kills or 0} kills, {lines} lines in the log")
    if s.oom_kills is None and s.log is None:
        return unknown("out of memory", "neither metrics nor a log are to be had here")
    return passed("out of memory", "no kill, no line of it")


def health_log(s: Symptoms) -> Verdict:
    """Known trouble in the log; that there is none proves nothing of the data."""
    if s.log is None:
        return unknown("health log", "this target has no log to read")
    known = {k: n for k, n in s.log.items() if k not in ("error answer", "error", "slow request")}
    if known:
        names = ", ".join(f"{name} ({count})" for name, count in known.items())
        return failed("health log", names, actual=float(sum(known.values())), limit=0.0)
    return passed("health log", "no line of known trouble")


def answers(s: Symptoms) -> Verdict:
    if s.failures:
        return failed(
            "answers",
            f"{len(s.failures)} calls failed or were answered wrong: {s.failures[0]}",
        )
    if s.refusals:
        return unknown("answers", "not all could be asked: see access")
    if s.heartbeat_ms is None:
        return unknown("answers", "nothing could be asked")
    if not any(size.count for size in s.sizes):
        return failed("answers", "it holds no record at all: is it empty that should not be?")
    if not s.searches_ms:
        return unknown("answers", "no search could be asked")
    return passed("answers", f"{len(s.searches_ms)} searches answered right")


# ---- slow queries -------------------------------------------------------------------------------
def searches(s: Symptoms, limit_ms: float) -> Verdict:
    if not s.searches_ms:
        return unknown("slow searches", "no search was answered")
    return _below("slow searches", median(s.searches_ms), limit_ms, "ms", "the middle one takes")


def memory_for_index(s: Symptoms) -> Verdict:
    need = sum(size.index_bytes for size in s.sizes)
    if not s.memory_limit_bytes or not s.sizes:
        return unknown(
            "size against memory", f"indexes need about {need / MB:.0f} MB; no limit known"
        )
    text = f"indexes need about {need / MB:.0f} MB of {s.memory_limit_bytes / MB:.0f} MB"
    fits = need <= 0.6 * s.memory_limit_bytes
    limit = round(0.6 * s.memory_limit_bytes / MB, 1)
    return _either(fits)("size against memory", text, actual=need / MB, limit=limit, unit="MB")


def index_settings(s: Symptoms) -> Verdict:
    if not s.sizes:
        return unknown("index settings", "no collection was seen")
    odd = [f"{e.key}: {e.links} links, ef {e.ef}" for e in s.sizes if e.links > 64 or e.ef > 500]
    if odd:
        return failed("index settings", f"dear to search: {'; '.join(odd)}")
    return passed("index settings", "at most 64 links and ef 500 everywhere")


def load(s: Symptoms) -> Verdict:
    if not (s.searches_ms and s.concurrent_ms):
        return unknown("concurrent load", "no search was answered")
    if s.heartbeat_ms is not None and s.heartbeat_ms > SLOW_HEARTBEAT_MS:
        return failed(
            "concurrent load", f"even the heartbeat takes {s.heartbeat_ms:.0f} ms: it is busy"
        )
    alone, concurrent = median(s.searches_ms), median(s.concurrent_ms)
    text = f"{alone:.0f} ms alone, {concurrent:.0f} ms four at a time"
    # four at a time may take four times as long on one core
    good = concurrent <= max(8 * alone, 200)
    return _either(good)("concurrent load", text, actual=round(concurrent, 1), unit="ms")


# ---- storage ------------------------------------------------------------------------------------
def files(s: Symptoms) -> Verdict:
    """A server whose directory was deleted answers on from memory and open files."""
    if s.is_database_missing is None:
        return unknown("database file", "the files cannot be seen here")
    if s.is_database_missing:
        return failed(
            "database file", "chroma.sqlite3 is not there: gone under the server, or never"
        )
    return passed("database file", "chroma.sqlite3 is there")


def volume(s: Symptoms, limit_percent: float) -> Verdict:
    if s.disk_bytes is None or not s.disk_limit_bytes:
        return unknown("volume use", "this target does not show it")
    used = 100 * s.disk_bytes / s.disk_limit_bytes
    return _below("volume use", used, limit_percent, "%", "used of the volume")


def growth(s: Symptoms) -> Verdict:
    if s.growth_bytes_a_day is None or s.disk_bytes is None or not s.disk_limit_bytes:
        return unknown("growth", "two snapshots an hour apart are needed to tell")
    text = f"{s.growth_bytes_a_day / MB:.1f} MB a day"
    if s.growth_bytes_a_day <= 0:
        return passed("growth", text)
    days = (s.disk_limit_bytes - s.disk_bytes) / s.growth_bytes_a_day
    good = days > FULL_SOON_DAYS
    text += f": full in {days:.0f} days"
    return _either(good)("growth", text, actual=days, limit=FULL_SOON_DAYS, unit="days")


def flusher(s: Symptoms) -> Verdict:
    """A dead one is no cause of a trouble that clients have now: it is one of the next power cut."""
    if s.flusher is None:
        return unknown("flusher", "no [monitoring] flusher_heartbeat says where a flusher's is")
    lives, why = s.flusher
    return _either(lives)("flusher", why)


def dimensions(s: Symptoms) -> Verdict:
    if s.store is None or not s.sizes:
        return unknown("dimension efficiency", "no files, or no collection, to be seen here")
    vectors = sum(size.vector_bytes for size in s.sizes)
    if s.store.bytes < SMALL:
        return passed(
            "dimension efficiency", f"{s.store.bytes / MB:.0f} MB in all: too small to matter"
        )
    share = vectors / s.store.bytes
    text = f"{share:.0%} of {s.store.bytes / MB:.0f} MB are vectors"
    return _either(share >= EFFICIENT)("dimension efficiency", text)


def queue(s: Symptoms) -> Verdict:
    if s.store is None:
        return unknown("queue", "the files cannot be read here")
    return _below(
        "queue", s.store.queue_rows, 2 * s.store.queue_limit, "rows", "writes kept in the log:"
    )


def orphans(s: Symptoms) -> Verdict:
    """Left-over directories are no failure; they take room."""
    if s.store is None:
        return unknown("orphans", "the files cannot be read here")
    share = s.store.orphans_bytes / max(1, s.store.bytes)
    text = f"{s.store.orphans_bytes / MB:.1f} MB in directories that no collection has"
    return _either(share <= 0.2 or s.store.orphans_bytes < SMALL)("orphans", text)


def _either(good: bool) -> Callable[..., Verdict]:
    return passed if good else failed


def _below(check: str, value: float, limit: float, unit: str, what: str) -> Verdict:
    text = f"{what} {value:.4g} {unit}"
    return _either(value <= limit)(check, text, actual=round(value, 2), limit=limit, unit=unit)
