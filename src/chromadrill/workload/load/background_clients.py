"""Clients that search at a fixed rate while a drill happens: locust in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError
from chromadrill.core.model import JSON, Outcome, Verdict

BEGIN_S = 60.0  # from locust's start to its first arrival, on a busy machine
END_S = 30.0  # from the signal to the result
FIRST = "first arrival"  # locust says so, see loadtests/
OWNER = "CHROMADRILL_LOAD_OWNER"  # the pid with which a load run ends, however that process ends
LONGEST = "30m"  # a drill that takes longer has failed anyway


@dataclass
class BackgroundClients:
    """A run of the profile `recovery`; `result` is there once it has ended."""

    result: JSON = field(default_factory=dict)

    def verdicts(self) -> list[Verdict]:
        """The load run's own verdicts; UNKNOWN where it left no result."""
        verdicts = [
            Verdict(raw["check"], Outcome(raw["outcome"]), raw["message"], raw["actual"],
                    raw["limit"], raw["unit"])
            for raw in self.result.get("verdicts", ())
        ]  # fmt: skip
        return verdicts or [Verdict.unknown("load samples", "the load run left no result")]


@contextmanager
def background_clients(loadtests: Path, url: str, result: Path) -> Iterator[BackgroundClients]:
    """Searches arrive from the first line of the block to its last; the result is there at its end.

    `result`: where locust writes it (raw samples, table and picture beside it). Raises DrillError
    where the clients cannot begin: a drill without them would prove nothing about them.
    """
    result.parent.mkdir(parents=True, exist_ok=True)
    log = result.with_suffix(".log")
    command = [
        sys.executable, "-m", "locust", "-f", str(loadtests), "--headless", "--host", url,
        "--profile", "recovery", "--run-time", LONGEST, "--result", str(result),
    ]  # fmt: skip
    clients = BackgroundClients()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, OWNER: str(os.getpid())},
        )
        try:
            wait_until(
                lambda: FIRST in _log_tail(log) or process.poll() is not None,
                within_s=BEGIN_S,
                name="the clients' first search",
            )
            if process.poll() is not None:
                raise DrillError(f"the clients ended before their first search: {_log_tail(log)}")
            yield clients
        finally:
            _end(process)
    if result.is_file():
        clients.result = orjson.loads(result.read_bytes())


def _log_tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:].strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
