"""The symptoms that triage judges, as facts; None: it could not be had here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CollectionSize:
    """A collection. `links`: neighbours a vector of its index; `ef`: how far a search looks."""

    key: str
    count: int
    dimension: int
    links: int
    ef: int

    @property
    def vector_bytes(self) -> int:
        return 4 * self.count * self.dimension

    @property
    def index_bytes(self) -> int:
        """The index in memory: vectors, two links each way at the lowest level, labels."""
        return self.vector_bytes + self.count * (8 * self.links + 16)


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """A data directory that can be read while the server runs."""

    bytes: int
    orphans_bytes: int  # directories of segments that no collection has
    queue_rows: int  # writes kept in the log
    queue_limit: int  # as many as an index may leave there, of all collections


@dataclass(frozen=True, slots=True)
class Symptoms:
    """`log`: lines of known trouble by pattern name. `failures`: what did not answer, and how.

    `refusals`: what something in front of the server did not let through, and what helps.
    """

    url: str
    running: bool | None
    connects_ms: float | None  # of a TCP connection; None: refused, or no way there
    connect_error: str
    heartbeat_ms: float | None
    heartbeat_error: str
    searches_ms: tuple[float, ...]
    concurrent_ms: tuple[float, ...]  # the same searches, several at a time
    failures: tuple[str, ...]
    sizes: tuple[CollectionSize, ...]
    log: Mapping[str, int] | None
    memory_bytes: int | None
    memory_limit_bytes: int | None
    oom_kills: int | None
    disk_bytes: int | None
    disk_limit_bytes: int | None
    growth_bytes_a_day: float | None
    is_database_missing: bool | None
    store: StoreUsage | None
    refusals: tuple[str, ...] = ()
    flusher: tuple[bool, str] | None = None  # whether it lives, and why in a sentence
