"""The writing client: it tells the first write that was refused after a moment, not before."""

from chromadrill.core.clock import now, wait_until
from chromadrill.workload.writer import Writer
from tests.conftest import info


def test_first_write_refused_after_a_moment_is_told():
    with Writer("http://127.0.0.1:9", info()) as writer:
        wait_until(lambda: writer.refused, within_s=10, name="a refused write")
        since = now()
        probe_result = writer.first_refused(since)

    assert probe_result.result == "error"
    assert probe_result.due >= since
    assert writer.acknowledged == []
