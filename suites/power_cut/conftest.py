"""What is beside the server while the power is cut."""

import contextlib
from pathlib import Path

import pytest

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
