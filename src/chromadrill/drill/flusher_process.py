"""A flusher as operators run it: `chromadrill flush`, a process of its own beside a server."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.targets.kinds import OWNER_VARIABLE

START_S, STOP_S = 60.0, 60.0


@dataclass
class FlusherProcess:
    """Flushes `data` each `every_s` seconds, and writes `heartbeat`. It ends with this process."""

    data: Path
    heartbeat: Path
    every_s: float = 1.0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Return after its first sync. Raises Unavailable where there was none."""
        self.heartbeat.unlink(missing_ok=True)
        command = [sys.executable, "-m", "chromadrill", "flush", "--path", str(self.data)]
        every = ["--every", f"{self.every_s:g}", "--heartbeat", str(self.heartbeat)]
        process = subprocess.Popen(
            [*command, *every],
            env={**os.environ, OWNER_VARIABLE: str(os.getpid())},
            stderr=subprocess.DEVNULL,
        )
        self._process = process
        wait_until(
            lambda: self.heartbeat.exists() or process.poll() is not None,
            within_s=START_S,
            name="the flusher's first sync",
        )
        self.require_alive()

    def require_alive(self) -> None:
        """Raise Unavailable where it has ended."""
        if self._process is None or self._process.poll() is not None:
            code = "it was not started" if self._process is None else self._process.returncode
            raise Unavailable(f"The flusher of {self.data} has ended: {code}.")

    def kill(self) -> None:
        """SIGKILL: no last sync, and its heartbeat stays as it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)

    def stop(self) -> None:
        """End it as an operator does, with a last sync. One that has ended already is fine."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_S)
