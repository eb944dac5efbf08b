"""The clients of a drill: they end with it, whatever ends it."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from chromadrill.core.clock import wait_until

CHILD = """
import sys, time
from pathlib import Path
from chromadrill.workload.load.background_clients import background_clients
with background_clients(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])):
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_clients_of_a_drill_that_was_killed_end_with_it(server, tmp_path):
    loadtests = Path(__file__).parents[3] / "loadtests"
    words = [sys.executable, "-c", CHILD, loadtests, server.url, tmp_path / "result.json"]
    drill = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)
    try:
        assert drill.stdout.readline() == "begun\n"
        (clients,) = psutil.Process(drill.pid).children()
    finally:
        drill.send_signal(signal.SIGKILL)
        drill.wait()
    wait_until(lambda: not clients.is_running() or clients.status() == psutil.STATUS_ZOMBIE,
               within_s=30, name="the clients' end")  # fmt: skip
