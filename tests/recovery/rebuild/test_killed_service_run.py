"""A rebuild by a service that is killed: what was written is never paid again."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.embedding.servers import KEY, Fault
from tests.recovery.rebuild.named_function import lose, make

IN_FLIGHT = 10  # two requests of five documents
CANARIES = 10  # five of the lost collection, five of what was begun: the rest is a smaller request


@pytest.mark.slow
def test_kill_costs_at_most_the_documents_that_were_under_way(table, command, service, tmp_path):
    make(table, service.tei())
    before = lose(table, tmp_path)
    service.requests.clear()
    service.faults.extend([Fault(delay_s=0.3)] * 100)
    words = ["rebuild", "--from-postgresql", "--collection-name", "docs", "--batch-size", "5"]
    run = subprocess.Popen(
        [sys.executable, "-m", "chromadrill", *words, "--fingerprint", str(before)],
        env={**os.environ, "EMBEDDING_DOOR": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(in_batches(service)) < 40 and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert table.names() == ["docs.rebuilding"]
    written = set(table.records("docs.rebuilding"))
    assert 10 <= len(written) < 60

    service.faults.clear()
    assert command("--fingerprint", str(before), "--batch-size", "5") == 0, command.errors
    assert command.answer["resumed"] >= len(written)
    assert command.answer["embedded"] == 60 - command.answer["resumed"]
    twice = [text for text, times in Counter(in_batches(service)).items() if times > 1]
    assert len(twice) <= IN_FLIGHT + CANARIES


def in_batches(service):
    """Documents of requests as a rebuild makes them; those of the proof are one."""
    return [text for request in service.requests if len(request) == 7 for text in request[1:-1]]
