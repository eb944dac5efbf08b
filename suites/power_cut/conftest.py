"""What is beside the server while the power is cut."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.targets.disk.mounts import require_mounts

EVERY_S = 1.0


@pytest.fixture(autouse=True)
def _needs_a_disk():
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
        heartbeat = tmp_path / "flusher.json"
        heartbeat.unlink(missing_ok=True)
        command = [sys.executable, "-m", "chromadrill", "flush", "--path", str(data)]
        process = subprocess.Popen([*command, "--every", f"{EVERY_S:g}", "--heartbeat", heartbeat])
        try:
            wait_until(heartbeat.exists, within_s=60, name="the flusher's first sync")
            yield process
            assert process.poll() is None, "the flusher died"
        finally:
            process.terminate()
            process.wait(60)

    return beside
