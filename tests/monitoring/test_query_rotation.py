"""The rotation of queries on a clock of its own: who is asked when, and what is timed."""

import pytest

from chromadrill.chroma.client import CallFailed
from chromadrill.core.model import Scope
from chromadrill.core.settings import Monitoring
from chromadrill.monitoring import query_rotation, samples
from chromadrill.monitoring.alerts import FIRED, Alerts
from chromadrill.monitoring.query_rotation import QueryRotation
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample
from chromadrill.workload.queries.known_answer import KnownAnswer
from chromadrill.workload.queries.sampled_records import CollectionAnswer
from tests.monitoring.fake_clock import FakeClock


class Server:
    """Collections that take so many seconds each; `bad`: what is wrong with one."""

    def __init__(self, monkeypatch, **took_s):
        self.took_s, self.bad, self.gone = took_s, {}, set()
        self.clock = FakeClock()
        self.asked = []
        monkeypatch.setattr(query_rotation, "ask_collection", self.answer)
        turn = [(KnownAnswer(Scope(), name, "r", "d", [1.0]),) for name in took_s]
        self.rotation = QueryRotation(turn, slow_ms=2000, clock=self.clock)

    def answer(self, chroma, sample):
        name = sample[0].collection
        self.asked.append(name)
        took_s = self.took_s[name]
        self.clock.at += min(took_s, 10)
        if took_s > 10:
            raise CallFailed(f"POST /{name}/query", 0, "no answer within 10 s")
        wrong = self.bad.get(name, "")
        took_ms = None if wrong else 1000 * took_s
        return CollectionAnswer(wrong, sample, took_ms, is_gone=name in self.gone)

    def watch(self, looks):
        """Alerts of so many looks, one every 30 s."""
        alerts = Alerts(rules(Monitoring()), began=0, expected=[samples.SEARCH, samples.ANSWERS])
        for number in range(looks):
            self.clock.at = max(self.clock.at, 30.0 * number)
            done = self.rotation.ask(None, 10.0)
            at = self.clock.at
            taken = [Sample(at, samples.ANSWERS, float(not done.wrong), done.wrong)]
            if done.search_ms is not None:
                taken.append(Sample(at, samples.SEARCH, done.search_ms, done.slowest))
            alerts.take(taken, at)
        return [(e.kind, e.rule.name) for e in alerts.events]


FAST = {f"c{n}": 0.005 for n in range(19)}
MIDDLE = {f"c{n}": 0.4 for n in range(19)}  # nineteen of them take longer than a round


@pytest.mark.parametrize("others", [{}, FAST, MIDDLE])
@pytest.mark.parametrize("slow_s", [2.5, 3.5, 9.0])
@pytest.mark.parametrize("first", [True, False])
def test_one_slow_collection_alerts_whatever_the_others_are(first, slow_s, others, monkeypatch):
    slow = {"slow": slow_s}
    server = Server(monkeypatch, **({**slow, **others} if first else {**others, **slow}))
    assert server.watch(20) == [(FIRED, "high latency")]
    assert set(server.asked) == set(server.took_s)


def test_search_that_is_given_up_is_slow_and_wrong(monkeypatch):
    alerts = Server(monkeypatch, slow=99.0, fast=0.1).watch(20)
    assert set(alerts) == {(FIRED, "high latency"), (FIRED, "wrong answers")}


@pytest.mark.parametrize("took_s", [0.005, 0.4, 1.9])
def test_fast_collections_all_come_to_their_turn_and_alert_nobody(took_s, monkeypatch):
    server = Server(monkeypatch, **{f"c{n}": took_s for n in range(20)})
    assert server.watch(20) == []
    assert set(server.asked) == set(server.took_s)


def test_collection_that_was_slow_once_is_no_slow_five_minutes(monkeypatch):
    server = Server(monkeypatch, slow=2.5, **MIDDLE)
    server.watch(3)
    server.took_s["slow"] = 0.1
    assert server.watch(20) == []


@pytest.mark.parametrize("others", [FAST, MIDDLE])
def test_wrong_collection_is_asked_by_each_look_and_hides_no_other(others, monkeypatch):
    server = Server(monkeypatch, **others)
    server.bad["c18"] = "wrong"
    assert server.watch(10) == [(FIRED, "wrong answers")]
    assert set(server.asked) == set(others)


def test_collection_that_is_gone_pages_and_is_over_after_an_hour(monkeypatch):
    server = Server(monkeypatch, **FAST)
    server.bad["c3"] = "404"
    server.gone.add("c3")
    assert server.watch(10) == [(FIRED, "wrong answers")]
    assert not server.rotation.is_over
    while server.clock.at < 3600:
        server.rotation.ask(None, 10.0)
        assert not server.rotation.is_over
        server.clock.at += 300
    server.rotation.ask(None, 10.0)
    assert server.rotation.is_over
    del server.bad["c3"]
    server.gone.clear()
    server.rotation.ask(None, 10.0)
    assert not server.rotation.is_over
