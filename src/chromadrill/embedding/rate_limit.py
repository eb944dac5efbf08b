"""No more requests and documents a minute than a service allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from chromadrill.core.clock import now


class RateLimit:
    """Evenly spread, for all threads of this process. `wait` sleeps until the next call may be made.

    None: no limit. `sleep` and `clock` are for tests.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        documents_per_minute: float | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = now,
    ) -> None:
        self.requests_per_minute = requests_per_minute
        self.documents_per_minute = documents_per_minute
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, documents: int) -> None:
        """Before a request of so many documents."""
        with self._lock:
            at = max(self._next, self._clock())
            self._next = at + self.seconds(1, documents)
        if (rest := at - self._clock()) > 0:
            self._sleep(rest)

    def hold(self, seconds: float) -> None:
        """The service asked to wait: nobody of this process asks it before."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def seconds(self, requests: float, documents: float) -> float:
        """What so many take at least; 0 without a limit."""
        return max(
            60 * requests / self.requests_per_minute if self.requests_per_minute else 0.0,
            60 * documents / self.documents_per_minute if self.documents_per_minute else 0.0,
        )
