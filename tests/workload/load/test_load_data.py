"""Profiles, schedule, samples, answers, hosts: what needs no server."""

import dataclasses
import random
from pathlib import Path

import orjson
import pytest

from chromadrill.checks.objectives import percentile
from chromadrill.core.errors import UsageError
from chromadrill.core.model import CollectionInfo, Window
from chromadrill.core.redaction import hide_secret
from chromadrill.workload.load import requests, results, samples
from chromadrill.workload.load.grading import grade
from chromadrill.workload.load.loopback_only import require_loopback
from chromadrill.workload.load.plan import LoadPlan
from chromadrill.workload.load.profiles import PROFILES, Stage, profile_named
from chromadrill.workload.load.requests import LoadRequest, interleave
from chromadrill.workload.load.schedule import arrivals, share
from chromadrill.workload.queries.known_answer import KnownAnswer
from tests.workload.load.samples import noisy_samples, samples_of

SEARCH = LoadRequest("search", "/q", "{}", "a", "words of a")
PLAN = LoadPlan("r1", "http://127.0.0.1:1", "steady", 20.0, 1, 0.0, "made up", (SEARCH,))


def answer(ids, documents):
    return orjson.dumps({"ids": [ids], "documents": [documents], "distances": [[0.0] * len(ids)]})


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_profile_can_reach_its_own_minimum(profile):
    assert len(arrivals(profile.stages, profile.seconds)) >= profile.limits.samples_min
    assert profile.why


def test_an_unknown_profile_is_named_with_its_neighbour():
    with pytest.raises(UsageError, match="Did you mean 'steady'"):
        profile_named("stedy")


def test_arrivals_follow_the_stages_and_a_shorter_or_longer_run_cuts_or_repeats_them():
    stages = (Stage(2, 10), Stage(1, 50))
    assert len(arrivals(stages, 3)) == 70
    assert len(arrivals(stages, 1)) == 10
    longer = arrivals(stages, 5)
    assert len(longer) == 90
    assert longer[70] == 3.0
    assert (longer[1:] > longer[:-1]).all()


def test_a_run_of_no_time_has_no_arrivals():
    assert len(arrivals((Stage(2, 10),), 0.0)) == 0
    result = results.result_of(PLAN.cut_at(1.0), [], started_at="2026-01-01T00:00:00.000Z")
    assert result["outcome"] == "unknown"


def test_a_search_must_hold_as_many_records_as_there_are_to_find():
    three = dataclasses.replace(SEARCH, min_records=3)
    assert grade(three, 200, answer(list("abc"), ["words of a", "b", "c"]))[0] == "right"
    outcome, detail = grade(three, 200, answer(["a"], ["words of a"]))
    assert outcome == "wrong"
    assert "1 records answered" in detail


def test_a_collection_with_another_id_is_asked_under_that_one():
    info = CollectionInfo("old", "a b", "t", "d", 2, None, None, None, "l2")
    question = KnownAnswer(info.scope, info.name, "a", "words of a", [0.0, 1.0])
    request = requests.search(question, info, 30)
    assert request.min_records == 10
    assert request.path_with("old") == request.path
    assert request.path_with("new") == request.path.replace("/old/", "/new/")
    assert request.collection_path.endswith("/collections/a%20b")


def test_shares_of_all_workers_are_the_schedule():
    numbers = sorted(n for worker in range(3) for n in share(100, worker, 3))
    assert numbers == list(range(100))


def test_percentiles_of_merged_workers_are_those_of_one_process_exactly():
    whole = noisy_samples(5000)
    chunks = [whole[worker::4] for worker in range(4)]
    parts = [part for chunk in chunks for part in (chunk[:77], chunk[77:])]
    parts = [[list(row) for row in part] for part in parts]  # as a message brings them
    random.Random(3).shuffle(parts)
    parts.append(parts[0])  # one that came twice
    again = samples.merge(parts)
    assert again == whole
    for rank in (50, 90, 99):
        assert percentile([s.latency_ms for s in again], rank) == percentile(
            [s.latency_ms for s in whole], rank
        )


def test_raw_samples_survive_parquet_to_the_bit(tmp_path):
    samples.write(noisy_samples(300), tmp_path / "s.parquet")
    assert samples.read(tmp_path / "s.parquet") == noisy_samples(300)


def test_windows_last_from_the_first_failure_to_the_next_right_arrival():
    bad = {f"n{n}": ("error", 1) for n in range(100, 150)}
    bad |= {f"n{n}": ("timeout", 2000) for n in range(150, 200)}
    assert samples.failure_windows(samples_of(**bad)) == [
        Window(2.0, 3.0, "error"),
        Window(3.0, 4.0, "timeout"),
    ]
    assert samples.failure_windows(samples_of()) == []


@pytest.mark.parametrize(
    ("status", "content", "outcome"),
    [
        (200, answer(["b", "a"], ["words of b", "words of a"]), "right"),
        (200, answer([], []), "wrong"),
        (200, answer(["b", "a"], ["words of a", "words of b"]), "wrong"),
        (200, answer(["b"], ["words of b"]), "wrong"),
        (200, b"not json", "error"),
        (200, b"{}", "error"),
        (404, b"no such collection", "error"),
        (500, answer(["a"], ["words of a"]), "error"),
        (0, b"refused", "error"),
    ],
)
def test_an_answer_is_right_only_with_the_known_record_and_its_words(status, content, outcome):
    assert grade(SEARCH, status, content)[0] == outcome


@pytest.mark.parametrize("before", [0, 170])
def test_secret_that_a_gateway_quotes_is_in_no_word_of_a_sample(before):
    hide_secret("Bearer canary-token-5e1f")
    text = "x" * before + " no access for Bearer canary-token-5e1f" + "y" * 9000
    outcome, detail = grade(SEARCH, 403, text.encode())
    assert (outcome, detail.startswith("search: HTTP 403: ")) == ("error", True)
    assert "canary" not in detail  # nor a part of it, where the text is cut
    assert len(detail) < 250


def test_a_mix_holds_at_every_point():
    kinds = {kind: [LoadRequest(kind, "", "")] for kind in ("search", "get", "upsert")}
    cycle = interleave({"search": 14, "get": 4, "upsert": 2}, kinds)
    assert len(cycle) == 20
    first = [request.kind for request in cycle[:10]]
    assert (first.count("search"), first.count("get"), first.count("upsert")) == (7, 2, 1)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:1/", "http://[::1]:9"])
def test_load_goes_to_this_machine(url):
    assert require_loopback(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [None, "", "http://10.0.0.1:8000", "http://example.org", "http://127.0.0.1.example.org",
     "http://0.0.0.0:8000", "http://127.0.0.1@example.org", "https://127.0.0.1", "ftp://127.0.0.1",
     "http://127.0.0.1:99999", "http://127.0.0.1:8000/api/v2", "http://[::1"],
)  # fmt: skip
def test_load_goes_nowhere_else(url):
    with pytest.raises(UsageError):
        require_loopback(url)


def test_a_password_in_the_host_is_not_repeated():
    with pytest.raises(UsageError) as caught:
        require_loopback("http://me:hunter22@10.0.0.1")
    assert "hunter22" not in str(caught.value)


def test_the_result_has_the_agreed_keys_and_its_files(tmp_path):
    run_samples = samples_of(**{"n5": ("right", 600)})
    result = results.result_of(PLAN, run_samples, started_at="2026-01-01T00:00:00.000Z")
    results.write(result, run_samples, tmp_path / "deep" / "r.json")
    written = orjson.loads((tmp_path / "deep" / "r.json").read_bytes())
    agreed = {"profile", "outcome", "samples", "errors", "p50_ms", "p90_ms", "p99_ms",
              "service_p90_ms", "limits"}  # fmt: skip
    assert agreed <= set(written)
    assert (written["outcome"], written["samples"], written["errors"]) == ("pass", 1000, 0)
    assert {path.suffix for path in (tmp_path / "deep").iterdir()} == {
        ".json", ".md", ".svg", ".parquet",
    }  # fmt: skip
    assert "| load p90 | PASS |" in (tmp_path / "deep" / "r.md").read_text()


def test_a_plan_survives_the_way_to_a_worker():
    assert LoadPlan.from_json(orjson.loads(orjson.dumps(PLAN.to_json()))) == PLAN


def test_the_context_of_the_workers_image_leaves_out_history_environments_and_secrets():
    left_out = Path(__file__).parents[3].joinpath(".dockerignore").read_text().split()
    assert {".git", ".tox", ".venv", "reports/*", "**/.env*"} <= set(left_out)
