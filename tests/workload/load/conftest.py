"""Locust as its users start it, on a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import wait_until
from tests.conftest import fill

ROOT = Path(__file__).parents[3]


def connections(server):
    """Connections that the server has; the look-ups' own are closed when a run is announced."""
    return [
        connection
        for connection in psutil.Process(server.pid()).net_connections("tcp4")
        if connection.status == psutil.CONN_ESTABLISHED
    ]


class Locust:
    """Runs `locust -f loadtests/`; `result` is what it wrote."""

    def __init__(self, folder):
        self.folder = folder
        self.result_file = folder / "made" / "r.json"

    def start(self, *args, headless=True):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "DRILL_"))}
        command = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests"),
                   *(["--headless"] if headless else []), "--only-summary",
                   "--result", str(self.result_file), *map(str, args)]  # fmt: skip
        return subprocess.Popen(command, cwd=self.folder, env=clean, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)  # fmt: skip

    def start_running(self, server, *args):
        """The process, once its first arrivals have reached the server."""
        process = self.start(*args)
        while "arrivals in" not in (line := process.stdout.readline()):
            assert line, "locust ended before it began"
        wait_until(lambda: connections(server), within_s=30, name="the first arrivals")
        return process

    def run(self, *args):
        """(exit code, its output)."""
        process = self.start(*args)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def assert_sound(self, code, output):
        """PASS, or UNKNOWN for no other reason than that this machine was too busy."""
        doubts = {v["check"] for v in self.result["verdicts"] if v["outcome"] == "unknown"}
        assert code == (2 if doubts else 0), output
        assert doubts <= {"schedule kept", "load p90", "slowest query"}, output

    @property
    def result(self):
        return json.loads(self.result_file.read_text())


@pytest.fixture
def locust(tmp_path):
    return Locust(tmp_path)


@pytest.fixture(scope="module")
def filled(server):
    """The server, with 60 records more than it came with."""
    with Chroma(server.url) as chroma:
        fill(chroma, "load", 60)
    return server
