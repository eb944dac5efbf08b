"""Load runs from end to end: real locust, real server, and what is done to them meanwhile."""

import http.server
import json
import os
import signal
import socket
import threading
from contextlib import contextmanager, suppress

import httpx
import psutil
import pytest

from benchmarks.slow_proxy import WRONG
from chromadrill.checks.objectives import percentile
from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import wait_until
from chromadrill.core.loopback_server import LoopbackServer
from chromadrill.core.model import Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.workload.load import samples
from tests.conftest import fill
from tests.workload.wrong_answers import other_ids


def children(process, wanted):
    """The child processes, once there are that many."""
    parent = psutil.Process(process.pid)

    def all_of_them():
        processes = parent.children()
        return processes if len(processes) == wanted else None

    return wait_until(all_of_them, within_s=20, name=f"{wanted} workers")


@contextmanager
def worse_server(url, *, delay_ms=0.0, wrong=None):
    with faulty_proxy(url) as proxy:
        proxy.delay_ms, proxy.alter = delay_ms, WRONG.get(wrong, bytes)
        yield proxy.url


def names(server):
    with Chroma(server.url) as chroma:
        return {info.name for info in chroma.collections(Scope())}


@pytest.mark.slow
def test_a_short_run_measures_and_knows_that_it_is_too_short(filled, locust):
    code, output = locust.run("--host", filled.url, "--profile", "steady", "--run-time", "2s")
    assert code == 2, output
    assert locust.result["outcome"] == "unknown"
    assert locust.result["samples"] == locust.result["scheduled"] == 100
    assert "500 needed" in output


@pytest.mark.slow
@pytest.mark.parametrize("host", ["http://10.0.0.1:8000", "http://127.0.0.1:1/api/v2", ""])
def test_a_bad_host_is_64_and_a_sentence(locust, host):
    code, output = locust.run("--host", host, "--profile", "smoke")
    assert code == 64
    assert "Traceback" not in output
    assert not locust.result_file.exists()


@pytest.mark.slow
def test_an_unknown_profile_is_64_and_a_sentence(locust):
    code, output = locust.run("--host", "http://127.0.0.1:1", "--profile", "stedy")
    assert code == 64
    assert "Did you mean 'steady'" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_a_dead_server_is_unknown(locust):
    code, output = locust.run("--host", "http://127.0.0.1:9", "--profile", "smoke")
    assert code == 2
    assert "No answer from" in output
    assert locust.result["outcome"] == "unknown"


@pytest.mark.slow
def test_a_frozen_server_shows_in_the_percentiles_from_the_intended_start(filled, locust):
    process = locust.start_running(filled, "--host", filled.url, "--profile", "steady")
    server = psutil.Process(filled.pid())
    server.suspend()
    threading.Event().wait(3)  # the freeze itself, not a wait for anything
    server.resume()
    output, _ = process.communicate(timeout=90)

    assert process.returncode == 1, output
    assert locust.result["p90_ms"] > 500
    assert locust.result["p99_ms"] > 2000
    assert locust.result["samples"] == 1000


@pytest.mark.slow
def test_queries_slowed_to_600_ms_fail(filled, locust):
    with faulty_proxy(filled.url) as proxy:
        args = ("--host", proxy.url, "--profile", "steady", "--run-time", "3s")
        process = locust.start_running(filled, *args)
        proxy.delay_ms = 600  # not of the questions before it, one after the other
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 1, output
    assert locust.result["p50_ms"] >= 600


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["empty", "swapped"])
def test_fast_wrong_answers_fail(filled, locust, wrong):
    with faulty_proxy(filled.url) as proxy:
        args = ("--host", proxy.url, "--profile", "smoke", "--run-time", "6s")
        process = locust.start_running(filled, *args)
        # in the middle of the run
        threading.Timer(2, lambda: setattr(proxy, "alter", WRONG[wrong])).start()
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 1, output
    assert locust.result["outcomes"]["wrong"] > 0


@pytest.mark.slow
def test_a_server_that_is_wrong_from_the_start_fails(filled, locust):
    with worse_server(filled.url, wrong="empty") as url:
        code, output = locust.run("--host", url, "--profile", "smoke")
    assert code == 1, output


@pytest.mark.slow
def test_two_workers_percentiles_are_those_of_all_raw_samples(filled, locust):
    code, output = locust.run("--processes", 2, "--host", filled.url, "--profile", "smoke")
    locust.assert_sound(code, output)
    raw = samples.read(locust.result_file.with_suffix(".parquet"))
    assert [sample.number for sample in raw] == list(range(300))
    assert {sample.worker for sample in raw} == {0, 1}
    for rank in (50, 90, 99):
        expected = percentile([sample.latency_ms for sample in raw], rank)
        assert locust.result[f"p{rank}_ms"] == expected


@pytest.mark.slow
def test_a_worker_killed_half_way_makes_it_unknown(filled, locust):
    args = ("--processes", 2, "--host", filled.url, "--profile", "smoke")
    process = locust.start_running(filled, *args)
    children(process, 2)[0].send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2, output
    assert locust.result["samples"] < 300
    assert "missing: worker" in locust.result["why"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_early_leaves_its_result_and_is_unknown(filled, locust, number):
    process = locust.start_running(filled, "--host", filled.url, "--profile", "steady")
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert locust.result["outcome"] == "unknown"
    assert locust.result["scheduled"] == 1000


@pytest.mark.slow
def test_a_mixed_run_writes_only_into_its_own_collection_and_removes_it(filled, locust):
    before = names(filled)
    with Chroma(filled.url) as chroma:
        counts = {i.name: chroma.count(i) for i in chroma.collections(Scope())}
    code, output = locust.run("--host", filled.url, "--profile", "mixed")
    with Chroma(filled.url) as chroma:
        after = {i.name: chroma.count(i) for i in chroma.collections(Scope())}
    locust.assert_sound(code, output)
    raw = samples.read(locust.result_file.with_suffix(".parquet"))
    assert {sample.operation for sample in raw} == {"search", "get", "upsert"}
    assert names(filled) == before
    assert after == counts


@pytest.mark.slow
def test_recovery_reports_the_outage_it_saw(filled, locust):
    process = locust.start_running(filled, "--host", filled.url, "--profile", "recovery")
    threading.Event().wait(3)
    filled.kill()
    filled.start()
    threading.Event().wait(6)  # clients go on for as long after it as anybody has to
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=90)
    locust.assert_sound(process.returncode, output)
    assert any(window["result"] in ("error", "timeout") for window in locust.result["windows"])


def outcome_of(locust, check):
    (verdict,) = (v for v in locust.result["verdicts"] if v["check"] == check)
    return verdict["outcome"]


@pytest.mark.slow
def test_recovery_fails_when_the_server_is_dead_at_the_end(filled, locust):
    args = ("--host", filled.url, "--profile", "recovery", "--run-time", "20s")
    process = locust.start_running(filled, *args)
    threading.Event().wait(6)
    filled.kill()
    output, _ = process.communicate(timeout=90)
    filled.start()
    assert process.returncode == 1, output
    assert locust.result["scheduled"] == 400
    assert outcome_of(locust, "right at the end") == "fail"


@pytest.mark.slow
def test_recovery_ended_after_a_moment_is_unknown_with_all_its_files(filled, locust):
    process = locust.start_running(filled, "--host", filled.url, "--profile", "recovery")
    while "first arrival answered" not in (line := process.stdout.readline()):
        assert line, "locust ended before it began"
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert 0 < locust.result["samples"] < 100
    assert len(list(locust.result_file.parent.iterdir())) == 4


@pytest.mark.slow
def test_most_questions_wrong_from_the_start_fail(filled, locust):
    def nine_of_ten(data):  # always the same ones, so none of them is asked during the run
        raw = json.loads(data)
        return data if raw["ids"][0] and raw["ids"][0][0].endswith("7") else other_ids(data)

    with faulty_proxy(filled.url) as worse:
        worse.alter = nine_of_ten
        args = ("--host", worse.url, "--profile", "smoke", "--run-time", "3s")
        code, output = locust.run(*args)
    assert code == 1, output
    assert outcome_of(locust, "questions") == "fail"
    assert locust.result["outcomes"] == {"right": 60}


@pytest.mark.slow
def test_acknowledged_writes_that_are_discarded_fail(filled, locust):
    with faulty_proxy(filled.url) as worse:
        worse.swallowed_ends = ("/upsert",)
        code, output = locust.run("--host", worse.url, "--profile", "mixed", "--run-time", "5s")
    assert code == 1, output
    assert outcome_of(locust, "load writes") == "fail"


@pytest.mark.slow
def test_the_generators_own_freeze_is_not_the_servers(filled, locust):
    # so that some are always open, and none is too slow
    with worse_server(filled.url, delay_ms=100) as slower:
        process = locust.start_running(filled, "--host", slower, "--profile", "smoke")
        threading.Event().wait(3)
        os.kill(process.pid, signal.SIGSTOP)
        threading.Event().wait(11)  # the freeze itself, longer than an arrival waits
        os.kill(process.pid, signal.SIGCONT)
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 2, output
    assert locust.result["outcomes"]["undecided"] > 0
    assert outcome_of(locust, "load errors") == "unknown"
    assert outcome_of(locust, "schedule kept") == "unknown"


@pytest.mark.slow
def test_recovery_finds_a_collection_that_came_back_with_another_id(server, locust):
    with Chroma(server.url) as chroma:
        fill(chroma, "returns", 90)
        args = ("--host", server.url, "--profile", "recovery", "--run-time", "12s")
        process = locust.start_running(server, *args)
        threading.Event().wait(2)
        chroma.delete_collection(Scope(), "returns")
        fill(chroma, "returns", 90)
        output, _ = process.communicate(timeout=90)
        chroma.delete_collection(Scope(), "returns")
    locust.assert_sound(process.returncode, output)
    assert locust.result["outcomes"]["error"] > 0
    assert outcome_of(locust, "right at the end") == "pass"


@pytest.mark.slow
def test_a_page_without_a_worker_is_unknown_and_says_so(filled, locust):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    args = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", 0,
             "--web-host", "127.0.0.1", "--web-port", port)  # fmt: skip
    process = locust.start(*args, "--host", filled.url, headless=False)
    page = f"http://127.0.0.1:{port}"

    def up():
        with suppress(httpx.TransportError):
            return httpx.get(page).is_success

    try:
        wait_until(up, within_s=30, name="the page")
        httpx.post(f"{page}/swarm", data={"load_profile": "smoke"}, timeout=20)
        wait_until(locust.result_file.exists, within_s=20, name="a result")
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=30)
    assert "There is no worker" in output
    assert "ZeroDivisionError" not in output
    assert locust.result["outcome"] == "unknown"


@pytest.mark.slow
def test_a_failed_run_whose_result_cannot_be_written_stays_1(filled, locust, tmp_path):
    (tmp_path / "file").touch()
    with worse_server(filled.url, wrong="empty") as url:
        code, output = locust.run(
            "--host", url, "--profile", "smoke", "--result", tmp_path / "file" / "r.json"
        )
    assert code == 1, output
    assert "--result" in output


@pytest.mark.slow
@pytest.mark.parametrize("args", [["--no-such-option"], ["--profile"], ["--users", "many"]])
def test_words_that_locust_does_not_know_are_64(locust, args):
    code, output = locust.run("--host", "http://127.0.0.1:1", *args)
    assert code == 64, output
    assert "Traceback" not in output


@pytest.mark.slow
def test_part_of_a_password_is_in_no_line_of_a_load_run(locust):
    code, output = locust.run("--host", "http://ops:hunter2secret/x@127.0.0.1:1")
    assert (code, "--host http://127.0.0.1:1 is no URL of a server" in output) == (64, True), output
    assert "hunter2secret" not in output


class OddServer(http.server.BaseHTTPRequestHandler):
    """Alive, ready, and its listing holds a null: Chroma gives no such answer."""

    def do_GET(self):
        body = b"[null]" if self.path.split("?")[0].endswith("/collections") else b"{}"
        if self.path.endswith("/heartbeat"):
            body = b'{"nanosecond heartbeat": 1}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.slow
def test_answer_that_is_none_of_chromas_is_unknown_and_said(locust, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # of the traceback's file
    with LoopbackServer(OddServer) as odd:
        threading.Thread(target=odd.serve_forever, args=(0.02,), daemon=True).start()
        code, output = locust.run("--host", odd.url)
        odd.shutdown()
    assert (code, "this is no answer of Chroma's: AttributeError" in output) == (2, True), output
    assert "Traceback" not in output
    assert locust.result["outcome"] == "unknown"
