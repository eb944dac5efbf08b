"""Monotonic clock for durations, UTC for the record, and waits that remember."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from chromadrill.core.errors import Unavailable

T = TypeVar("T")
now = time.monotonic


def utc_now() -> str:
    """The time in UTC, ISO 8601 to the millisecond, e.g. 2026-11-24T18:15:12.409Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wait_until(
    what: Callable[[], T | None], *, within_s: float, name: str, every_s: float = 0.05
) -> T:
    """Try `what` until it returns something true, and return that.

    Raises Unavailable after `within_s` seconds with the name, the number of tries and the last
    thing that was seen. An exception of `what` counts as a failed try.
    """
    started, tries, last = now(), 0, "nothing"
    while True:
        tries += 1
        try:
            result = what()
        except Exception as error:  # any failure is "not yet"; the last one is told
            last = f"{type(error).__name__}: {error}"
        else:
            if result:
                return result
            last = repr(result)
        if now() - started >= within_s:
            raise Unavailable(
                f"Gave up after {within_s:g} s waiting for {name} ({tries} tries; last: {last})."
            )
        time.sleep(every_s)
