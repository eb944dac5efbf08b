"""`[embedding] function = "package.module:callable"`: code of the user's, which may do anything."""

import time

import httpx
import numpy as np
import pytest

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.settings import Embedding
from chromadrill.embedding import embedders
from chromadrill.embedding.answers import WrongAnswer
from tests.embedding.servers import Fault, WordModel

HERE = __name__


def load(name, **settings):
    return embedders.load(Embedding(function=f"{HERE}:{name}", retry_wait_s=0, **settings))


def plain(texts):
    return WordModel().embed(texts).tolist()


class Described:
    """As an embedding function of chromadb's is: it says of itself what it is."""

    def __init__(self, size="small"):
        self.size = size

    @staticmethod
    def name():
        return "shop-vectors"

    def get_config(self):
        return {"size": self.size, "api_key": "not a part of what it is"}

    def __call__(self, input):
        return list(WordModel(self.size).embed(input))

    def embed_query(self, input):
        return list(WordModel(f"question {self.size}").embed(input))


class Models:
    large = Described("large")


class Busy:
    """Refuses twice with the error of a library, then answers."""

    def __init__(self):
        self.calls = 0

    def __call__(self, texts):
        self.calls += 1
        if self.calls in (3, 4):
            raise ConnectionResetError("reset by peer")
        return WordModel().embed(texts)


class Hanging:
    def __init__(self):
        self.calls = 0

    def __call__(self, texts):
        self.calls += 1
        if self.calls == 3:
            time.sleep(2)
        return WordModel().embed(texts)


URL = [""]  # of the service of a test
client = httpx.Client()


def by_service(texts):
    """As people write it: a client of the module."""
    answer = client.post(f"{URL[0]}/embed", json={"inputs": texts})
    return answer.json()


class ByService:
    def __init__(self):
        self.http = httpx.Client()

    def vectors(self, texts):
        return self.http.post(f"{URL[0]}/embed", json={"inputs": texts}).json()


own = ByService()


def broken(texts):
    raise KeyError("no such model")


def narrow(texts):
    return WordModel().embed(texts)[:, :9]


narrow.dimension = 32
number = 5


class NeedsMore:
    def __init__(self, path):
        self.path = path


def test_function_makes_the_vectors_and_its_path_is_its_name():
    model = load("plain", batch_size=4)
    texts = [f"text {n}" for n in range(10)]
    np.testing.assert_allclose(model.embed(texts), WordModel().embed(texts), atol=1e-6)
    assert (model.name, model.dimension, model.workers) == (f"{HERE}:plain", 32, 1)
    np.testing.assert_allclose(model.embed_queries(["q"]), WordModel().embed(["q"]), atol=1e-6)


def test_function_that_says_what_it_is_is_told_by_that():
    small, large = load("Described"), load("Models.large")
    assert small.name == large.name == "shop-vectors"
    assert small.configuration_sha256 != large.configuration_sha256
    assert load("Described").configuration_sha256 == small.configuration_sha256
    questions = small.embed_queries(["q", "r"])
    np.testing.assert_allclose(questions, WordModel("question small").embed(["q", "r"]), atol=1e-6)


@pytest.mark.parametrize("name", ["by_service", "own.vectors"])
def test_function_that_asks_a_service_is_looked_after_as_a_service_is(service, name):
    URL[0] = service.url
    model = load(name)
    service.faults.extend([Fault(429, retry_after="0.01"), Fault(503)])
    texts = [f"text {n}" for n in range(70)]
    np.testing.assert_allclose(model.embed(texts), WordModel().embed(texts), atol=1e-6)
    assert (model.workers, model.facts()["retries"]) == (2, 2)
    assert model.facts()["endpoint"] == service.url


def test_error_that_passes_is_asked_again():
    model = load("Busy")
    assert model.embed(["a", "b"]).shape == (2, 32)
    assert model.facts()["retries"] == 2


def test_function_that_hangs_is_left_behind():
    model = load("Hanging", timeout_s=0.2)
    assert model.embed(["a"]).shape == (1, 32)
    assert model.facts()["retries"] >= 1  # a busy machine may be late as well


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere", UsageError, "has no attribute 'nowhere'"),
        ("number", UsageError, "cannot be called: it is int"),
        ("NeedsMore", Unavailable, "missing 1 required positional argument"),
        ("broken", Unavailable, "does not embed: KeyError: 'no such model'"),
        ("narrow", WrongAnswer, "gave a vector of 9 numbers, wanted 32"),
    ],
)
def test_function_that_cannot_be_used_says_why(name, error, message):
    with pytest.raises(error, match=message):
        load(name)


def test_module_that_is_not_there_is_a_usage_error():
    with pytest.raises(UsageError, match=r"no module nowhere_at_all\.vectors"):
        embedders.load(Embedding(function="nowhere_at_all.vectors:embed"))


def test_module_beside_drill_toml_is_found_and_what_it_lacks_is_named(tmp_path, monkeypatch):
    (tmp_path / "own_vectors.py").write_text(
        "def embed(texts):\n    return [[float(len(t)), float(ord(t[0]))] for t in texts]\n"
    )
    (tmp_path / "lacking_vectors.py").write_text("import a_library_that_is_not_there\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/usr/bin"])
    model = embedders.load(Embedding(function="own_vectors:embed"))
    assert model.embed(["abc"]).tolist() == [[3.0, 97.0]]
    with pytest.raises(Unavailable, match="No module named 'a_library_that_is_not_there'"):
        embedders.load(Embedding(function="lacking_vectors:embed"))
