"""SIGKILL while a server writes an index: its files are written in place, one after the other."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chromadrill.backups.flusher import kernel
from chromadrill.backups.flusher.index_watch import LAST
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.protocols import Target
from chromadrill.targets.process.target import ProcessTarget

WRITTEN = kernel.MODIFIED | kernel.CREATED | kernel.MOVED_IN
WAIT_S = 60.0  # for a flush: a client writes meanwhile


class Aim(StrEnum):
    """The moment of a flush that a kill waits for: the first index file, or the list of ids (last)."""

    FILES = "the first index file is written"
    IDS = "the list of ids is written"


@dataclass(slots=True)
class KillWithinFlush:
    """The server process dies `delay_s` seconds after the moment that is aimed at.

    Somebody has to write meanwhile, or no index is flushed. `killed_at`: UTC epoch seconds.
    """

    aim: Aim
    delay_s: float = 0.0
    killed_at: float | None = None
    name: str = "killed-within-a-flush"
    what: str = "server killed with SIGKILL while it writes an index"

    def inject(self, target: Target) -> None:
        pid = target.pid() if isinstance(target, ProcessTarget) else None
        if not isinstance(target, ProcessTarget) or pid is None:
            raise DrillError(
                f"{target.name} is no running process of ours: it cannot be killed so."
            )
        wait_for_flush(target.live_data(), self.aim)
        if self.delay_s:
            time.sleep(self.delay_s)
        self.killed_at = time.time()
        os.kill(pid, signal.SIGKILL)  # at once: `kill` looks up whom it kills
        target.kill()


def wait_for_flush(data: Path, aim: Aim, within_s: float = WAIT_S) -> None:
    """Return when the server in `data` writes an index that it has. Raises Unavailable."""
    queue = kernel.new_queue()
    try:
        for folder in data.iterdir():
            if folder.is_dir():
                kernel.watch(queue, folder, WRITTEN)
        until = now() + within_s
        while now() < until and select.select([queue], [], [], max(0.0, until - now()))[0]:
            names = [event.name for event in kernel.read_events(queue)]
            if aim is Aim.FILES or LAST in names:
                return
    finally:
        os.close(queue)
    raise Unavailable(f"No index of {data} was written within {within_s:g} s: nothing to aim at.")
