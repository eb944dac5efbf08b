"""`performance_test.py`, as the runbook has it typed."""

import json

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from tests.commands.run import script
from tests.workload.wrong_answers import other_ids

TYPED = ("--target-latency", "2000", "--queries", "100")


@pytest.fixture(scope="module")
def proxy(server):
    """A proxy before the module's server."""
    with faulty_proxy(server.url) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def plain(proxy):
    """The proxy does nothing at the start of a test."""
    proxy.delay_ms, proxy.alter = 0, bytes
    proxy.requests.clear()


def run(*args, url=None):
    return script("performance_test.py", *args, **({"CHROMA_URL": url} if url else {}))


@pytest.mark.slow
def test_healthy_server_passes_and_is_only_read(proxy):
    ran = run(*TYPED, url=proxy.url)

    assert ran.returncode == 0, ran.stderr
    assert "every search" in ran.stdout
    assert "p90_ms: " in ran.stdout
    assert {request.split("?")[0] for request in proxy.requests} == {
        "GET heartbeat",
        "GET healthcheck",
        "GET collections",
        "GET count",
        "POST get",
        "POST query",
    }


def test_answer_is_one_json_object(proxy):
    answer = json.loads(run(*TYPED, "--url", proxy.url, "--json").stdout)

    assert answer["outcome"] == "pass"
    assert answer["queries"] == 100
    assert 0 < answer["p50_ms"] <= answer["p90_ms"] <= answer["p99_ms"] <= answer["max_ms"] < 2000
    assert [row["name"] for row in answer["collections"]] == ["docs"]


@pytest.mark.slow
def test_search_of_600_ms_fails_a_target_of_500(proxy):
    proxy.delay_ms = 600
    ran = run("--target-latency", "500", "--queries", "3", "--url", proxy.url, "--json")
    answer = json.loads(ran.stdout)

    assert ran.returncode == 1
    assert answer["outcome"] == "fail"
    assert answer["p90_ms"] > 600


def test_fast_wrong_answer_fails(proxy):
    proxy.alter = other_ids
    ran = run(*TYPED, "--url", proxy.url)

    assert ran.returncode == 1
    assert "own records found FAIL" in ran.stdout


@pytest.mark.slow
def test_every_third_search_wrong_fails(proxy):
    def alter(body):  # the same third whenever it is asked
        raw = json.loads(body)
        return other_ids(body) if int(raw["ids"][0][0][1:]) % 3 == 0 else body

    proxy.alter = alter
    ran = run(*TYPED, "--url", proxy.url)
    assert ran.returncode == 1, ran.stdout
    assert "own records found FAIL" in ran.stdout


@pytest.mark.slow
def test_server_that_turns_wrong_meanwhile_fails(proxy):
    def alter(body):
        return other_ids(body) if proxy.requests.count("POST query") > 80 else body

    proxy.alter = alter
    ran = run(*TYPED, "--url", proxy.url)

    assert ran.returncode == 1
    assert "wrong answer" in ran.stdout


@pytest.mark.slow
def test_server_that_hangs_fails_soon(proxy):
    def alter(body):
        proxy.delay_ms = 7000 if proxy.requests.count("POST query") > 80 else 0
        return body

    proxy.alter = alter
    ran = run("--target-latency", "100", "--queries", "100", "--url", proxy.url)
    assert ran.returncode == 1
    assert "no answer within 5 s" in ran.stdout


def test_empty_database_is_2(proxy):
    with Chroma(proxy.url) as chroma:
        chroma.create_database(Scope("default_tenant", "bare"))
        chroma.create_collection(Scope("default_tenant", "bare"), "empty")
    ran = run(*TYPED, "--url", proxy.url, "--database", "bare")

    assert ran.returncode == 2
    assert ran.stdout.endswith("max_ms: None\n")
    assert run(*TYPED, "--url", proxy.url, "--scope", "default_tenant/no-such").returncode == 2


def test_server_that_does_not_answer_is_2_and_a_sentence():
    ran = run(*TYPED, "--url", "http://127.0.0.1:9", "--json")
    assert ran.returncode == 2
    assert "No answer from" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--url", "http://127.0.0.1:9", "--queries", "0"],
        ["--url", "http://127.0.0.1:9", "--target-latency", "nan"],
    ],
)
def test_wrong_usage_is_64(args):
    ran = run(*args)
    assert ran.returncode == 64
    assert "Traceback" not in ran.stderr
