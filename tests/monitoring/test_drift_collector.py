"""The rule `embedding drift`: do stored vectors still belong to their texts?"""

import threading

import numpy as np
import pytest

from chromadrill.core import settings
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import CollectionInfo, Outcome, Scope
from chromadrill.core.settings import Monitoring
from chromadrill.embedding import embedders
from chromadrill.monitoring import drift_collector
from chromadrill.monitoring.alerts import CLEARED, FIRED
from chromadrill.monitoring.drift_collector import DriftCollector
from chromadrill.monitoring.factory import model_loader
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.verdicts import verdicts
from chromadrill.workload.data.seeded_embedder import SeededEmbedder
from tests.monitoring.fake_clock import FakeClock

TEXTS = [f"text {number}" for number in range(30)]
IDS = [f"t{number}" for number in range(30)]


class CountingEmbedder(SeededEmbedder):
    def __init__(self, **seed):
        super().__init__(dimension=16, **seed)
        self.embedded = 0

    def embed(self, texts):
        self.embedded += len(texts)
        return super().embed(texts)


class DriftMonitor:
    """A monitor of the canary alone, on a clock of its own: one look every 30 s."""

    def __init__(self, chroma, url, model, names=("drift",)):
        self.chroma, self.clock = chroma, FakeClock()
        load = model if callable(model) and not hasattr(model, "embed") else lambda info: model
        collector = DriftCollector(url, [Scope()], names, load, 8, 0.9999, 3600, 10)
        self.monitor = Monitor([collector], rules(Monitoring()), 30.0, clock=self.clock)

    def write(self, embedder):
        info = self.chroma.collection(Scope(), "drift")
        self.chroma.upsert(info, ids=IDS, vectors=embedder.embed(TEXTS), documents=TEXTS)

    def look(self, times=1):
        """The kinds of the rule's events so far, after so many looks."""
        for _ in range(times):
            self.monitor.look()
            self.clock.at += 30
        return [event.kind for event in self.monitor.alerts.events]

    @property
    def verdict(self):
        (verdict,) = [v for v in verdicts(self.monitor.alerts) if v.check == "embedding drift"]
        return verdict


@pytest.fixture(scope="module")
def chroma_of(server):
    from chromadrill.chroma.client import Chroma

    with Chroma(server.url) as chroma:
        yield chroma


@pytest.fixture
def watched(chroma_of):
    chroma_of.create_collection(Scope(), "drift", hnsw={"space": "l2"})
    yield lambda *args, **names: DriftMonitor(chroma_of, chroma_of.url, *args, **names)
    chroma_of.delete_collection(Scope(), "drift")


def test_vectors_of_another_model_fire_and_their_own_clear(watched):
    model = CountingEmbedder()
    canary = watched(model)
    canary.write(CountingEmbedder())
    assert canary.look(3) == []
    assert canary.verdict.outcome is Outcome.PASS
    assert model.embedded == 8  # once an hour
    canary.write(CountingEmbedder(seed=8))
    assert canary.look(3) == [FIRED]
    assert "8 texts of drift embedded again" in canary.verdict.message
    canary.write(CountingEmbedder())
    assert canary.look(8) == [FIRED, CLEARED]


def test_one_replaced_vector_among_those_that_are_watched_fires(watched):
    canary = watched(CountingEmbedder())
    canary.write(CountingEmbedder())
    canary.look()
    info = canary.chroma.collection(Scope(), "drift")
    canary.chroma.upsert(info, ids=["t0"], vectors=np.ones((1, 16)), documents=[TEXTS[0]])
    assert canary.look(3) == [FIRED]
    assert "'t0' has cosine" in canary.verdict.message


def test_collection_that_is_built_anew_with_another_model_is_held_against_that_one(watched):
    models = {}
    canary = watched(lambda info: models[info.id])

    def write(embedder):
        models[canary.chroma.collection(Scope(), "drift").id] = embedder
        canary.write(embedder)

    write(CountingEmbedder())
    assert canary.look(2) == []
    canary.chroma.delete_collection(Scope(), "drift")
    canary.chroma.create_collection(Scope(), "drift", hnsw={"space": "l2"})
    write(CountingEmbedder(seed=8))
    assert canary.look(4) == []
    assert canary.verdict.outcome is Outcome.PASS


def collection_with(name, function):
    named = {"type": "known", "name": function, "config": {}}
    return CollectionInfo(name, name, "t", "d", 3, {}, {"embedding_function": named}, None, "l2")


def test_model_is_loaded_once_for_each_function_that_collections_name(monkeypatch):
    loaded = []

    def load(embedding, info):
        loaded.append(info.configuration["embedding_function"]["name"])
        return CountingEmbedder()

    monkeypatch.setattr(embedders, "load", load)
    model_of = model_loader(settings.load(environ={"DRILL_EMBEDDING__FUNCTION": "collection"}))
    before = model_of(collection_with("docs", "old"))
    assert model_of(collection_with("others", "old")) is before
    assert model_of(collection_with("docs", "new")) is not before
    assert loaded == ["old", "new"]


def test_model_that_cannot_be_had_and_missing_collection_are_unknown(watched):
    def none(info):
        raise Unavailable("The extra `embed` is not installed.")

    canary = watched(none)
    canary.write(CountingEmbedder())
    canary.look(8)
    assert canary.verdict.outcome is Outcome.UNKNOWN
    gone = watched(CountingEmbedder(), names=("drift", "elsewhere"))
    gone.look(8)
    assert gone.verdict.outcome is Outcome.UNKNOWN


def test_nothing_is_watched_where_nothing_is_named(watched):
    canary = watched(CountingEmbedder(), names=())
    canary.look(8)
    assert canary.verdict.outcome is Outcome.NOT_RUN
    assert "drift_collections" in canary.verdict.message


def test_model_that_hangs_delays_no_look_and_is_waited_for_later(watched, monkeypatch):
    monkeypatch.setattr(drift_collector, "PATIENCE_S", 0.01)
    go_on = threading.Event()

    def hang(info):
        go_on.wait(30)
        return CountingEmbedder()

    canary = watched(hang)
    canary.write(CountingEmbedder())
    (sample,) = canary.monitor.collectors[0].collect(canary.clock)
    assert (sample.value, "still being embedded" in sample.detail) == (None, True)
    go_on.set()
    monkeypatch.setattr(drift_collector, "PATIENCE_S", 10)
    (sample,) = canary.monitor.collectors[0].collect(canary.clock)
    assert sample.value > 0.9999
