"""Ranges of a source's keys, and the instant that several readers of it share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from chromadrill.core.errors import Unavailable
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.sources.rows import KeyRange, Row
from chromadrill.recovery.sources.source_sql import SourceMapping


@runtime_checkable
class Divisible(Protocol):
    """Capability of a `RowSource`: several readers can read ranges of its keys, at one instant."""

    def has_ranges(self) -> bool:
        """Whether an index finds a range: without one, each range would read the whole table."""
        ...

    def ranges(self) -> Iterator[tuple[KeyRange, list[Row]]]:
        """All rows in the order of their keys, in batches, each with the range that it is."""
        ...


class RangeReader(Protocol):
    """An open source of which a range of keys can be read."""

    def rows_between(self, keys: KeyRange) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class SharedInstant:
    """How another process opens the source as this one sees it, for as long as this one reads it.

    `snapshot`: as PostgreSQL exported it. `url` is never shown: it may hold a password; "" is the
    DATABASE_URL of the process that opens it.
    """

    url: str = field(repr=False)
    mapping: SourceMapping
    snapshot: str

    def open(self) -> AbstractContextManager[RangeReader]:
        """Raises Unavailable where the database, or that instant of it, cannot be had."""
        url = self.url or os.environ.get("DATABASE_URL")
        if not url:
            raise Unavailable("DATABASE_URL is not set where it runs")
        return open_table(url, self.mapping, snapshot=self.snapshot)
