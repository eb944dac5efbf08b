"""`pytest -m latency` as a whole: red when it should be, accepted only when it may be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.disasters.faulty_proxy import faulty_proxy
from tests.conftest import fill
from tests.workload.wrong_answers import other_ids

ROOT = Path(__file__).parents[2]
BASELINES = "latency-baseline-*.json"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def proxy(server):
    """A proxy before a server with enough records for neighbours to be some work."""
    with Chroma(server.url) as chroma:
        fill(chroma, "more", 900)
    with faulty_proxy(server.url) as proxy:
        proxy.path_ends = ("/query", "/get")
        yield proxy


@pytest.fixture
def suite(proxy, tmp_path):
    """Run the suite's reading part on the proxy; returns its exit code, output and record."""
    proxy.delay_ms, proxy.alter = 0, bytes
    proxy.requests.clear()
    # pytest-benchmark measures nothing where it believes itself below pytest-xdist
    ours = ("CHROMA_", "DRILL_", "PYTEST_XDIST")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(ours)}

    def run(*args, only="reading", **environment):
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "latency", "-k", only, "--target", proxy.url,
             "-p", "no:cacheprovider", *args],
            cwd=ROOT,
            env=clean | {"DRILL_REPORTS": str(tmp_path), **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        newest = max(tmp_path.glob("2*/drill.json"), key=lambda path: path.stat().st_mtime)
        return ran.returncode, ran.stdout, json.loads(newest.read_text())

    return run


def outcomes(record, check):
    return [v["outcome"] for s in record["scenarios"] for v in s["verdicts"]
            if v["check"].startswith(check)]  # fmt: skip


def test_regression_against_the_accepted_baseline_fails_and_another_machine_is_not_compared(
    suite, proxy, tmp_path
):
    few = {"DRILL_OBJECTIVES__SEARCH_SAMPLES": "20"}
    code, output, record = suite("--accept-latency", **few)
    assert code == 0, output
    assert "LATENCY PASSED" in output
    assert outcomes(record, "latency trend") == ["not_run"] * 3
    (path,) = tmp_path.glob(BASELINES)
    baseline = json.loads(path.read_text())
    assert sorted(baseline["series"]) == ["filtered search", "get by id", "search"]

    proxy.delay_ms = 100  # far more than the noise of a busy machine
    code, output, record = suite(**few)
    assert code == 1
    for series in ("search", "filtered search", "get by id"):
        assert outcomes(record, f"latency trend: {series}")[0] == "fail"
    assert outcomes(record, "search p90") == ["pass"]  # far from its limit: only the trend sees it
    assert "latency trend: search" in output

    proxy.delay_ms = 0
    baseline["place"]["cpus"] += 1
    path.write_text(json.dumps(baseline))
    code, output, record = suite(**few)
    assert code == 0, output
    assert outcomes(record, "latency trend") == ["not_run"] * 3
    assert "latency baseline: nothing compared: the baseline" in output
    assert "--accept-latency" in output.partition("nothing compared")[2]


def test_slow_server_fails_and_is_not_accepted(suite, proxy, tmp_path):
    def slow_after_questions(body):  # the questions are found before, at full speed
        proxy.delay_ms = 600 if proxy.requests.count("POST get") > 80 else 0
        return body

    proxy.alter = slow_after_questions
    code, output, record = suite(
        "--accept-latency", only="get-by-id", DRILL_OBJECTIVES__SEARCH_SAMPLES="20"
    )
    assert code == 1
    assert outcomes(record, "get by id p90") == ["fail"]
    assert "not accepted: this run is FAIL" in output
    assert not list(tmp_path.glob(BASELINES))


def test_wrong_answers_fail_however_fast(suite, proxy):
    def wrong_every_second(body):  # the questions are found before, rightly
        number = proxy.requests.count("POST get")
        return other_ids(body) if number > 80 and number % 2 else body

    proxy.alter = wrong_every_second
    code, output, record = suite(only="get-by-id")
    assert code == 1
    assert outcomes(record, "get by id p90") == ["fail"]
    assert "wrong answer" in output


def test_benchmarks_switched_off_leave_too_few_samples_and_no_green(suite):
    code, _, record = suite("--benchmark-disable", only="get-by-id")
    assert code == 1
    assert record["outcome"] == "unknown"
    assert outcomes(record, "get by id p90") == ["unknown"]


def test_part_of_the_suite_is_no_baseline(suite, tmp_path):
    code, output, _ = suite("--accept-latency", only="get-by-id")
    assert code == 1
    assert "not accepted: not measured: search, filtered search" in output
    assert not list(tmp_path.glob(BASELINES))
