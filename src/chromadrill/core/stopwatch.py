"""A stopwatch of named phases: what happens between two phases is not counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from chromadrill.core.clock import now


class Stopwatch:
    """`seconds`: of every phase that ended well, in their order. `left_out`: what does not count."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.left_out: set[str] = set()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done within; an error leaves no time behind."""
        started = now()
        yield
        if name not in self.left_out:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + now() - started, 3)

    @property
    def total(self) -> float:
        """Seconds of all phases together."""
        return round(sum(self.seconds.values()), 3)


def timed(stopwatch: Stopwatch | None, name: str) -> AbstractContextManager[None]:
    """A phase of `stopwatch`; nothing is timed where there is none."""
    return nullcontext() if stopwatch is None else stopwatch.phase(name)
