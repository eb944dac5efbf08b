"""Monotonic clock for durations, UTC for the record, and waits that remember.

The one reader and writer of times as text. Nobody else parses ISO 8601.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from chromadrill.core.errors import Unavailable

T = TypeVar("T")
now = time.monotonic
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.25  # between two tries of a wait
PAUSE_SHARE = 0.05  # of what was waited already


def utc_now() -> str:
    """The time in UTC, ISO 8601 to the millisecond, e.g. 2026-11-24T18:15:12.409Z."""
    return time_text(datetime.now(UTC))


def time_text(moment: datetime) -> str:
    """A time as records have it; `moment` has a zone."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact_time(moment: datetime) -> str:
    """A time for names of files and runs, e.g. 20261124T181512Z; `moment` has a zone."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def parse_time(text: str, *, require_zone: bool = False) -> datetime:
    """A time in ISO 8601, in UTC. Without a zone it is in UTC, as all of ours are.

    Raises ValueError for a text that is no time, and where a zone is required and missing.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            if require_zone:
                raise ValueError(f"'{text}' has no time zone")
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{text!r} is no time") from error


def wait_until(
    attempt: Callable[[], T | None], *, within_s: float, name: str, every_s: float | None = None
) -> T:
    """Try `attempt` until it returns something true, and return that.

    `every_s`: the pause between two tries. Without it the pause grows with the wait, from 20 to 250
    ms: a short wait is not made longer, and a long one costs few tries.

    Raises Unavailable after `within_s` seconds with the name, the number of tries and the last
    thing that was seen. An exception of `attempt` counts as a failed try.
    """
    started, tries, last = now(), 0, "nothing"
    while True:
        tries += 1
        try:
            result = attempt()
        except Exception as error:  # any failure is "not yet"; the last one is reported
            last = f"{type(error).__name__}: {error}"
        else:
            if result:
                return result
            last = repr(result)
        if now() - started >= within_s:
            raise Unavailable(
                f"Gave up after {within_s:g} s waiting for {name} ({tries} tries; last: {last})."
            )
        growing_s = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, PAUSE_SHARE * (now() - started)))
        time.sleep(growing_s if every_s is None else every_s)
