"""The prober asks one call a collection, is read as it writes, and says what it costs."""

import os
import signal

import numpy as np
import orjson
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import ProbeResult, Scope
from chromadrill.drill.outage_watch import OutageWatch
from chromadrill.workload.prober import Prober, probe
from chromadrill.workload.prober_cost import prober_cost
from chromadrill.workload.queries.known_answer import KnownAnswer, first_wrong

VECTORS = np.random.default_rng(1).normal(size=(30, 8)).astype(np.float32)


def question(row, document=None):
    document = document or f"document number {row} about {'ab'[row % 2] * 5}"
    return KnownAnswer(Scope(), "docs", f"r{row}", document, [float(x) for x in VECTORS[row]])


def test_all_questions_of_a_collection_are_one_call(server):
    with Chroma(server.url) as chroma:
        assert first_wrong(chroma, [question(3), question(20)]) == ""
        assert chroma.calls == 2  # the list of collections, and the questions


def test_the_second_question_of_a_call_is_judged_like_the_first(server):
    with Chroma(server.url) as chroma:
        assert "r20 has other words" in first_wrong(chroma, [question(3), question(20, "other")])


def test_a_collection_that_is_gone_is_named(server):
    lost = KnownAnswer(Scope(), "lost", "r1", "d", [0.0])
    with Chroma(server.url) as chroma:
        assert "lost: no such collection" in first_wrong(chroma, [question(3), lost])


def test_a_tick_says_what_the_prober_has_cost_so_far(server):
    first = probe(server.url, [question(3)], now())
    assert first.result == "right"
    assert 0 < first.cpu_s <= probe(server.url, [question(3)], now()).cpu_s


def test_a_line_that_is_being_written_is_left_for_the_next_call(tmp_path):
    prober = Prober("http://127.0.0.1:1", [], tmp_path)
    ticks = [orjson.dumps(ProbeResult(float(n), n + 0.1, "right")) + b"\n" for n in range(3)]
    file = tmp_path / "probe results.jsonl"
    file.write_bytes(ticks[0] + ticks[1][:9])
    assert [result.due for result in prober.probe_results()] == [0.0]
    file.write_bytes(b"".join(ticks))
    assert [result.due for result in prober.probe_results()] == [0.0, 1.0, 2.0]


@pytest.mark.slow
def test_prober_that_has_died_is_no_server_that_does_not_answer(server, tmp_path):
    notes = []
    with Prober(server.url, [question(3)], tmp_path) as prober:
        watch = OutageWatch(prober, lambda *event, **facts: notes.append(event))
        begin = watch.wait_until_stable(0, within_s=20)
        assert begin
        os.kill(prober._process.pid, signal.SIGKILL)
        prober._process.wait()
        assert watch.wait_until_stable(0, within_s=20) == begin  # what it saw stays
        with pytest.raises(DrillError, match="The prober ended by itself"):
            watch.wait_until_stable(now() + 1, within_s=60)
        assert watch.first_wrong(now()) is None  # at once: what was damaged is restored first


def test_the_cost_is_the_share_of_the_machine_and_how_late_ticks_began():
    results = [
        ProbeResult(n / 4, n / 4 + 0.01, "right", late_s=0.001 * (n == 40), cpu_s=0.5 + 0.05 * n)
        for n in range(41)
    ]
    cost = prober_cost(results, cores=2)
    assert cost.to_json() == {
        "ticks": 41, "cores": 2, "start_s": 0.5, "share_percent": 10.0, "late_p50_ms": 0.0,
        "late_p99_ms": pytest.approx(0.6, abs=0.01), "late_max_ms": 1.0,
    }  # fmt: skip


def test_one_tick_has_no_cost_yet():
    assert prober_cost([ProbeResult(0.0, 0.1, "right")]) is None
