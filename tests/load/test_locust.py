"""Load runs from end to end: real locust, real server, and what is done to them meanwhile."""

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchmarks.slow_proxy import proxy
from chromadrill.checks.objectives import percentile
from chromadrill.chroma.client import Chroma
from chromadrill.clock import wait_until
from chromadrill.load import samples
from chromadrill.model import Scope


def children(process, wanted):
    """The child processes, once there are that many."""
    parent = psutil.Process(process.pid)

    def seen():
        found = parent.children()
        return found if len(found) == wanted else None

    return wait_until(seen, within_s=20, name=f"{wanted} workers")


@contextmanager
def made_worse(url, **how):
    server = proxy(url, **how)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def names(server):
    with Chroma(server.url) as chroma:
        return {each.name for each in chroma.collections(Scope())}


def test_a_short_run_measures_and_knows_that_it_is_too_short(filled, locust):
    code, said = locust.run("--host", filled.url, "--profile", "steady", "--run-time", "2s")
    assert code == 2, said
    assert locust.result["outcome"] == "unknown"
    assert locust.result["samples"] == locust.result["scheduled"] == 100
    assert "500 needed" in said


@pytest.mark.slow
@pytest.mark.parametrize("host", ["http://10.0.0.1:8000", "http://127.0.0.1:1/api/v2", ""])
def test_a_bad_host_is_64_and_a_sentence(locust, host):
    code, said = locust.run("--host", host, "--profile", "smoke")
    assert code == 64
    assert "Traceback" not in said
    assert not locust.result_file.exists()


@pytest.mark.slow
def test_an_unknown_profile_is_64_and_a_sentence(locust):
    code, said = locust.run("--host", "http://127.0.0.1:1", "--profile", "stedy")
    assert code == 64
    assert "Did you mean 'steady'" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_dead_server_is_unknown(locust):
    code, said = locust.run("--host", "http://127.0.0.1:9", "--profile", "smoke")
    assert code == 2
    assert "No answer from" in said
    assert locust.result["outcome"] == "unknown"


@pytest.mark.slow
def test_a_frozen_server_shows_in_the_percentiles_from_the_intended_start(filled, locust):
    process = locust.started(filled, "--host", filled.url, "--profile", "steady")
    server = psutil.Process(filled.pid())
    server.suspend()
    threading.Event().wait(3)  # the freeze itself, not a wait for anything
    server.resume()
    said, _ = process.communicate(timeout=90)

    assert process.returncode == 1, said
    assert locust.result["p90_ms"] > 500
    assert locust.result["p99_ms"] > 2000
    assert locust.result["samples"] == 1000


@pytest.mark.slow
def test_queries_slowed_to_600_ms_fail(filled, locust):
    with made_worse(filled.url, delay_ms=600) as url:
        code, said = locust.run("--host", url, "--profile", "steady")
    assert code == 1, said
    assert locust.result["p50_ms"] >= 600


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["empty", "swapped"])
def test_fast_wrong_answers_fail(filled, locust, wrong):
    switch = Path(locust.folder) / "switch"
    with made_worse(filled.url, wrong=wrong, switch=switch) as url:
        process = locust.started(filled, "--host", url, "--profile", "smoke")
        threading.Timer(6, switch.touch).start()  # in the middle of the run
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 1, said
    assert locust.result["outcomes"]["wrong"] > 0
    assert locust.result["p90_ms"] < 500


@pytest.mark.slow
def test_a_server_that_is_wrong_from_the_start_fails(filled, locust):
    with made_worse(filled.url, wrong="empty") as url:
        code, said = locust.run("--host", url, "--profile", "smoke")
    assert code == 1, said


@pytest.mark.slow
def test_two_workers_percentiles_are_those_of_all_raw_samples(filled, locust):
    code, said = locust.run("--processes", 2, "--host", filled.url, "--profile", "smoke")
    locust.assert_sound(code, said)
    raw = samples.read(locust.result_file.with_suffix(".parquet"))
    assert [each.number for each in raw] == list(range(300))
    assert {each.worker for each in raw} == {0, 1}
    for rank in (50, 90, 99):
        expected = percentile([each.latency_ms for each in raw], rank)
        assert locust.result[f"p{rank}_ms"] == expected


@pytest.mark.slow
def test_a_worker_killed_half_way_makes_it_unknown(filled, locust):
    words = ("--processes", 2, "--host", filled.url, "--profile", "smoke")
    process = locust.started(filled, *words)
    children(process, 2)[0].send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 2, said
    assert locust.result["samples"] < 300
    assert "missing: worker" in locust.result["why"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_early_leaves_its_result_and_is_unknown(filled, locust, number):
    process = locust.started(filled, "--host", filled.url, "--profile", "steady")
    os.kill(process.pid, number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert locust.result["outcome"] == "unknown"
    assert locust.result["scheduled"] == 1000


@pytest.mark.slow
def test_a_mixed_run_writes_only_into_its_own_collection_and_removes_it(filled, locust):
    before = names(filled)
    with Chroma(filled.url) as chroma:
        counts = {i.name: chroma.count(i) for i in chroma.collections(Scope())}
    code, said = locust.run("--host", filled.url, "--profile", "mixed")
    with Chroma(filled.url) as chroma:
        after = {i.name: chroma.count(i) for i in chroma.collections(Scope())}
    locust.assert_sound(code, said)
    raw = samples.read(locust.result_file.with_suffix(".parquet"))
    assert {each.operation for each in raw} == {"search", "get", "upsert"}
    assert names(filled) == before
    assert after == counts


@pytest.mark.slow
def test_recovery_reports_the_outage_it_saw(filled, locust):
    words = ("--host", filled.url, "--profile", "recovery", "--run-time", "15s")
    process = locust.started(filled, *words)
    threading.Event().wait(3)
    filled.kill()
    filled.start()
    said, _ = process.communicate(timeout=90)
    locust.assert_sound(process.returncode, said)
    assert any(each["result"] in ("error", "timeout") for each in locust.result["windows"])
