"""What is beside the server while the power is cut."""

import contextlib
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chromadrill.backups.flusher.flusher import is_alive
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.drill.flusher_process import FlusherProcess
from chromadrill.targets.disk.mounts import require_mounts

EVERY_S = 1.0


@pytest.fixture
def needs_a_disk():
    """Without root, loop devices or ext4's tools nothing is covered, and the record says why."""
    try:
        require_mounts()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def flusher(tmp_path):
    """`chromadrill flush` as operators run it: a process of its own, that syncs every second."""

    @contextlib.contextmanager
    def beside(data: Path):
        process = FlusherProcess(data, tmp_path / "flusher.json", EVERY_S)
        process.start()
        try:
            yield process
            process.require_alive()
        finally:
            process.stop()

    return beside


class DyingFlusher:
    """A flusher that is killed on the way; `lives`: from when to when it lived, UTC epoch seconds."""

    def __init__(self, heartbeat: Path):
        self.heartbeat, self._process, self._lives = heartbeat, None, []
        self._watch, self._known_s = ThreadPoolExecutor(1), []

    @contextlib.contextmanager
    def beside(self, data: Path):
        self._process = FlusherProcess(data, self.heartbeat, EVERY_S)
        self._process.start()
        self._lives.append((time.time(), math.inf))
        try:
            yield
        finally:
            self._process.stop()

    def die(self):
        self._process.kill()
        died = time.time()
        self._lives[-1] = (self._lives[-1][0], died)
        self._known_s.append(self._watch.submit(self._wait_until_known, died))

    def lived_at(self, moment: float) -> bool:
        return any(born <= moment < died for born, died in self._lives)

    def seconds_until_known(self) -> float:
        """From a death until the heartbeat is called that of a dead flusher; the longest of all."""
        return max(future.result() for future in self._known_s)

    def _wait_until_known(self, died: float) -> float:
        wait_until(lambda: not is_alive(self.heartbeat)[0], within_s=60, name="an old heartbeat")
        return time.time() - died


@pytest.fixture
def dying_flusher(tmp_path):
    """A flusher that a scenario kills."""
    return DyingFlusher(tmp_path / "flusher.json")
