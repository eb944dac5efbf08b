"""Locust as its users start it, on a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from tests.conftest import fill

ROOT = Path(__file__).parents[2]


class Locust:
    """Runs `locust -f loadtests/`; `result` is what it wrote."""

    def __init__(self, folder):
        self.folder = folder
        self.result_file = folder / "made" / "r.json"

    def start(self, *words):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "DRILL_"))}
        command = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests"), "--headless",
                   "--only-summary", "--result", str(self.result_file), *map(str, words)]  # fmt: skip
        return subprocess.Popen(command, cwd=self.folder, env=clean, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)  # fmt: skip

    def run(self, *words):
        """(exit code, what it said)."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

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
