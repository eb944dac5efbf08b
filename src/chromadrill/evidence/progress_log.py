"""Where a drill stands while it runs: lines for whoever watches, `progress.jsonl` for machines.

A restore takes minutes in which nothing else is printed, and CI systems end silent jobs. So a thread
prints every ten seconds how far the phase is. Progress is no evidence: nothing is judged by it, and a
line that cannot be written stops nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from chromadrill.core.clock import now, utc_now

EVERY_S = 10.0
NAME = "progress.jsonl"


@dataclass
class _Phase:
    scenario: str
    runbook: str
    name: str
    limit_s: float | None
    started: float
    reported_at: float

    def line(self, elapsed_s: float, end: str = "") -> str:
        text = f"  [{self.runbook}] {self.name}: {elapsed_s:.0f} s"
        if self.limit_s is not None:
            text += f" of {self.limit_s:g} s"
            text += ", over the limit" if elapsed_s > self.limit_s else ""
        return text + end


class ProgressLog:
    """Reports phases. Phases may be nested; the innermost one runs.

    `say` gets the lines of a phase's start and end, in the caller's thread. `say_tick` gets the lines
    in between, from a thread of the log (None: none are wanted, as on a terminal). `wake_s` None: no
    thread, and the owner of the log calls `tick`.
    """

    def __init__(
        self,
        path: Path,
        *,
        say: Callable[[str], None],
        say_tick: Callable[[str], None] | None = None,
        every_s: float = EVERY_S,
        wake_s: float | None = 1.0,
        clock: Callable[[], float] = now,
        at: Callable[[], str] = utc_now,
    ) -> None:
        self.path = path
        self._say, self._say_tick = say, say_tick
        self._every_s, self._wake_s = every_s, wake_s
        self._clock, self._at = clock, at
        self._running: list[_Phase] = []
        self._lock = threading.Lock()

    @contextmanager
    def phase(
        self,
        scenario: str,
        runbook: str,
        name: str,
        *,
        limit_s: float | None = None,
        end: Callable[[], str] = lambda: "done",
    ) -> Iterator[None]:
        """Report the start, the time and the end of a phase. `end`: its word without an error."""
        started = self._clock()
        mine = _Phase(scenario, runbook, name, limit_s, started, started)
        with self._lock:
            self._running.append(mine)
            self._write(mine, 0.0, "started")
            self._say(f"  [{runbook}] {name}")
        event, word = "failed", "FAILED"
        try:
            with self._ticking():
                yield
            event, word = "finished", end()
        finally:
            with self._lock:
                self._running.remove(mine)
                elapsed = self._clock() - started
                self._write(mine, elapsed, event)
                self._say(mine.line(elapsed, f", {word}"))
                if self._running:  # the outer phase was reported by its inner one
                    self._running[-1].reported_at = self._clock()

    def tick(self) -> None:
        """Report the innermost phase, if the next wake-up would come too late for it."""
        with self._lock:
            if not self._running:
                return
            mine, time = self._running[-1], self._clock()
            if time - mine.reported_at < self._every_s - (self._wake_s or 0.0):
                return
            mine.reported_at = time
            self._write(mine, time - mine.started, "running")
            if self._say_tick is not None:
                # a pipe whose reader is gone must not end the thread, and so the drill
                with suppress(OSError, ValueError):
                    self._say_tick(mine.line(time - mine.started))

    @contextmanager
    def _ticking(self) -> Iterator[None]:
        """One thread for a phase and all phases within it; it ends with the outermost."""
        if self._wake_s is None or len(self._running) > 1:
            yield
            return
        over, wake_s = threading.Event(), self._wake_s

        def run() -> None:
            while not over.wait(wake_s):
                self.tick()

        thread = threading.Thread(target=run, name="drill-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=10)

    def _write(self, of: _Phase, elapsed_s: float, event: str) -> None:
        line = orjson.dumps(
            {
                "at": self._at(),
                "scenario": of.scenario,
                "phase": of.name,
                "elapsed_s": round(elapsed_s, 1),
                "limit_s": of.limit_s,
                "event": event,
            }
        )
        with suppress(OSError), self.path.open("ab") as file:
            file.write(line + b"\n")
