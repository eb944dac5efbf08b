"""A call in a thread of its own, for what may take long and must delay no look."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """Begins at once. `value`: what `call` returned; None while it runs, and where it failed.

    `why`: how it failed, in a sentence. The thread ends with the process.
    """

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self.value: T | None = None
        self.why = ""
        self._thread = threading.Thread(target=self._run, args=(call,), name=name, daemon=True)
        self._thread.start()

    def is_done_within(self, seconds: float) -> bool:
        """Wait for so long at most; whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self.value = call()
        except (
            Exception
        ) as error:  # whatever it is, nobody knows the value, and the monitor goes on
            self.why = str(error) or type(error).__name__
