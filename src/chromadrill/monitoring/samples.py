"""Samples: one value of one signal at one moment. Facts only; rules judge them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]  # seconds; one monotonic clock for all samples of a monitor

# signals, with their units
HEALTH = "health"  # 1: heartbeat and healthcheck answered, 0: they did not
ACCESS = "access"  # 1: every call of the look was let through, 0: something in front refused one
ANSWERS = "answers"  # 1: known questions answered right, 0: wrong, or an error
WRITES = "writes"  # 1: a record of our own was written and found again, 0: it was not
RECORDS = "records"  # how many there are
SEARCH = "search"  # ms, of the slowest search of a look; one that timed out took at least so long
DISK = "disk"  # % of the volume
MEMORY = "memory"  # % of the limit
OOM = "oom kills"  # new ones since the look before
RESTARTS = "restarts"  # new ones since the look before
BACKUP = "backup"  # 1: the newest attempt was verified, 0: it failed
BACKUP_AGE = "backup age"  # s since the newest verified one
PROOF_AGE = "proof age"  # % of the time that is allowed, since the newest proven restore
FLUSHER = "flusher"  # 1: its heartbeat is young, 0: it is old, or there is none
DRIFT = "embedding drift"  # lowest cosine of a stored vector and its text embedded again
LOG_ERRORS = "log errors"  # new lines of known trouble since the look before

UNITS = {SEARCH: "ms", DISK: "%", MEMORY: "%", BACKUP_AGE: "s", PROOF_AGE: "%"}


@dataclass(frozen=True, slots=True)
class Sample:
    """`at`: seconds of the monitor's clock. `value` None: the collector looked and could not tell.

    `unsupported`: this platform never reports the signal.
    """

    at: float
    signal: str
    value: float | None
    detail: str = ""
    unsupported: bool = False
