"""Calls that wait for a server, some of them under way at once, their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = (
    2  # one is answered while the other is on its way: more gain nothing, and wait for each other
)


def in_flight(calls: Iterable[Callable[[], T]], at_once: int = AT_ONCE) -> Iterator[Future[T]]:
    """Yield what comes of each call, in their order, while the next ones are under way.

    Calls that have not begun when the consumer ends are not made.
    """
    flights: deque[Future[T]] = deque()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        try:
            for call in calls:
                flights.append(pool.submit(call))
                if len(flights) > at_once:
                    yield flights.popleft()
            while flights:
                yield flights.popleft()
        finally:
            for flight in flights:
                flight.cancel()
