"""The embedding function that a collection names, against real services that fail in every way."""

import re

import numpy as np
import pytest

from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo
from chromadrill.core.settings import Embedding
from chromadrill.embedding import embedders, function_model
from chromadrill.embedding.answers import WrongAnswer
from chromadrill.embedding.function_model import CONTROLS
from tests.embedding.servers import KEY, Fault, WordModel

TEXTS = [f"document {n} of {'abc'[n % 3]}" for n in range(70)]
KINDS = ("openai", "tei")


def collection_with(function):
    configuration = {"hnsw": {"space": "cosine"}, "embedding_function": function}
    return CollectionInfo(
        "id", "docs", "t", "d", dimension=None, metadata=None, configuration=configuration,
        schema=None, space="cosine",
    )  # fmt: skip


def load(function, **settings):
    settings = {"retry_wait_s": 0.001, **settings}
    embedding = Embedding(function="collection", **settings)
    return embedders.load(embedding, collection_with(function))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def function(service, kind):
    return getattr(service, kind)()


def own_texts(service):
    return [text for text in service.texts if text not in CONTROLS]


@pytest.mark.slow
def test_vectors_are_those_of_the_service_in_batches_that_it_takes(service, function):
    model = load(function)
    vectors = model.embed(TEXTS)
    np.testing.assert_allclose(vectors, WordModel().embed(TEXTS), atol=1e-6)
    assert (model.dimension, model.weights_sha256) == (32, None)
    assert sorted(own_texts(service)) == sorted(TEXTS)
    assert max(len(request) for request in service.requests) == 32


@pytest.mark.slow
def test_key_is_the_one_of_the_variable_that_the_configuration_names(service, monkeypatch):
    for variable in ("OPENAI_API_KEY", "HUGGINGFACE_API_KEY"):
        monkeypatch.setenv(variable, "sk-of-somebody-else-entirely")
    load(service.openai()).embed(["a"])
    load(service.tei()).embed(["a"])
    load(service.tei(api_key_env_var="EMBEDDING_DOOR")).embed(["a"])
    assert set(service.keys) == {KEY, ""}
    assert len(service.keys) == 9


def test_key_that_is_not_set_is_named_and_nothing_is_asked(service, monkeypatch):
    monkeypatch.delenv("EMBEDDING_DOOR")
    with pytest.raises(
        Unavailable, match=r"EMBEDDING_DOOR, which .* names for 'openai', is not set"
    ):
        load(service.openai())
    assert service.keys == []


@pytest.mark.parametrize("variable", ["DATABASE_URL", "RAILWAY_TOKEN", "DRILL_NOTIFY__WEBHOOK"])
def test_secret_of_another_service_is_not_sent_wherever_a_configuration_asks_for_it(
    service, monkeypatch, variable
):
    monkeypatch.setenv(variable, "postgresql://u:geheim@h/d")
    with pytest.raises(Refused, match=f"names {variable} as the key.*Nothing was sent"):
        load(service.tei(api_key_env_var=variable))
    assert service.keys == []


def test_wrong_key_is_a_sentence_that_does_not_quote_it(service, monkeypatch):
    monkeypatch.setenv("EMBEDDING_DOOR", "sk-wrong-but-a-secret-all-the-same")
    with pytest.raises(Unavailable, match="status 401: Incorrect API key") as caught:
        load(service.openai())
    assert "sk-wrong" not in str(caught.value)
    assert len(service.keys) == 1


@pytest.mark.parametrize(
    "faults",
    [[Fault(429, retry_after="0.01")] * 3, [Fault(500), Fault(503), Fault(502)]],
    ids=["429", "5xx"],
)
def test_what_passes_is_waited_for_and_each_document_is_answered_once(service, function, faults):
    model = load(function)
    service.faults.extend(faults)
    np.testing.assert_allclose(model.embed(TEXTS), WordModel().embed(TEXTS), atol=1e-6)
    assert sorted(own_texts(service)) == sorted(TEXTS)
    assert model.facts()["retries"] == 3


def test_service_that_hangs_is_asked_again_after_the_timeout(service, function):
    model = load(function, timeout_s=0.2)
    service.faults.append(Fault(delay_s=0.6))
    np.testing.assert_allclose(model.embed(TEXTS[:3]), WordModel().embed(TEXTS[:3]), atol=1e-6)
    assert model.facts()["retries"] >= 1  # a busy machine may be late as well
    assert not service.faults


def test_service_that_stays_ill_is_given_up_and_says_what_it_said(service, function):
    model = load(function, retries=2)
    service.faults.extend([Fault(500, message="out of memory")] * 3)
    with pytest.raises(Unavailable, match=r"does not embed 3 times: status 500: out of memory\."):
        model.embed(TEXTS[:3])


def test_long_wait_is_said_with_its_reason(service, monkeypatch, capsys):
    monkeypatch.setattr(function_model, "LONG_WAIT_S", 0.01)
    model = load(service.tei(), retry_wait_s=0.1)
    service.faults.append(Fault(503, message="model is loading"))
    model.embed(["a"])
    errors = capsys.readouterr().err
    assert re.search(
        r"huggingface_server: status 503: model is loading. Asked again in \d+ s\.", errors
    )


def test_quota_that_is_used_up_is_not_waited_for(service, function):
    model = load(function)
    service.faults.append(Fault(429, message="You exceeded your current quota"))
    with pytest.raises(Unavailable, match="status 429: You exceeded your current quota"):
        model.embed(["a"])
    service.faults.append(Fault(429, retry_after="3600"))
    with pytest.raises(Unavailable, match=r"status 429: .*after 3600 s"):
        model.embed(["a"])
    assert model.facts()["retries"] == 0


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda rows: rows[:-1], r"gave 4 vectors for 5 documents"),
        (lambda rows: rows[:, :16], r"gave a vector of 16 numbers, wanted 32"),
        (lambda rows: [*rows[:-1], rows[-1][:9]], r"gave a vector of 9 numbers, wanted 32"),
        (lambda rows: np.roll(rows, 1, axis=1), r"another model answers now"),
    ],
    ids=["fewer", "narrower", "ragged", "another model"],
)
def test_each_wrong_answer_has_a_name(service, function, alter, message):
    model = load(function)
    service.alter = alter
    with pytest.raises(WrongAnswer, match=f"(?s){message}.*Nothing of that answer was written"):
        model.embed(TEXTS[:3])


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [1, 0, 3, 2, 4], [4, 1, 2, 3, 0]])
def test_answer_in_another_order_is_seen_by_the_two_texts_of_ours(service, order):
    model = load(service.tei())
    service.alter = lambda rows: rows[order]
    with pytest.raises(WrongAnswer, match=r"another order.*Nothing of that answer was written"):
        model.embed(TEXTS[:3])


def test_answer_that_names_another_order_itself_is_refused(service):
    model = load(service.openai())
    service.indices = lambda count: [0, 2, 1, *range(3, count)]  # both ends are in place
    with pytest.raises(WrongAnswer, match="another order"):
        model.embed(TEXTS[:6])


def test_nan_is_named_before_a_server_sees_it(service):
    model = load(service.openai())
    service.alter = lambda rows: rows * np.float32("nan")
    with pytest.raises(WrongAnswer, match="NaN"):
        model.embed(["a"])


def test_model_that_gives_every_text_the_same_vector_is_refused(service, function):
    service.alter = np.ones_like
    with pytest.raises(WrongAnswer, match="two different texts the same vector"):
        load(function)


@pytest.mark.slow
def test_request_that_is_too_large_is_sent_in_halves_and_the_document_is_named(service):
    model = load(service.tei(), batch_size=200)
    np.testing.assert_allclose(model.embed(TEXTS), WordModel().embed(TEXTS), atol=1e-6)
    model = load(service.openai())
    with pytest.raises(Unavailable, match="does not take a document of 9000 characters"):
        model.embed([*TEXTS[:10], "x" * 9000, *TEXTS[10:20]])


def test_part_that_was_answered_is_handed_over_when_the_rest_fails(service):
    from chromadrill.embedding.function_model import PartlyEmbedded

    model = load(service.tei(), retries=0, workers=1)
    service.fail_after = len(service.texts) + 1
    with pytest.raises(PartlyEmbedded) as caught:
        model.embed(TEXTS)
    rows = caught.value.vectors
    assert sorted(rows) == list(range(30))
    np.testing.assert_allclose(rows[29], WordModel().embed([TEXTS[29]])[0], atol=1e-6)


def test_facts_name_no_path_and_no_secret(service, monkeypatch):
    hidden = "a-header-that-is-secret"
    model = load(service.openai(default_headers={"x-team": hidden}))
    model.embed(TEXTS[:5])
    facts = model.facts()
    assert facts["endpoint"] == service.url
    assert facts["tokens"] >= 5
    assert KEY not in str(facts)
    assert hidden not in str(facts)
    service.faults.append(Fault(404, message=f"no model for {hidden} and {KEY}"))
    with pytest.raises(Unavailable, match="status 404: no model") as caught:
        model.embed(["a"])
    assert hidden not in str(caught.value)
    assert KEY not in str(caught.value)


def test_configuration_is_told_by_what_makes_its_vectors(service, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", KEY)
    one = load(service.openai()).configuration_sha256
    same = service.openai(api_key_env_var="OTHER_KEY", default_headers={"x": "y"})
    assert load(same).configuration_sha256 == one
    assert load(service.openai(model_name="text-embedding-3-large")).configuration_sha256 != one


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (None, r"names no embedding function .*\(none\)"),
        ({"type": "legacy"}, "'legacy'"),
        ({"type": "known", "name": "own_thing", "config": {}}, "knows no .* 'own_thing'"),
        ({"type": "known", "name": "huggingface_server", "config": {}}, "cannot be built: URL must"),
    ],
    ids=["none", "legacy", "unknown", "broken"],
)  # fmt: skip
def test_collection_that_names_nothing_that_can_be_built_says_so(function, message):
    with pytest.raises(Unavailable, match=message):
        load(function)


def test_no_collection_is_said_with_the_way_out():
    with pytest.raises(Unavailable, match="--fingerprint"):
        embedders.load(Embedding(function="collection"))


def test_default_function_of_chromadb_is_minilm_without_a_download(monkeypatch):
    from chromadrill.embedding import minilm

    monkeypatch.setattr(minilm, "load", lambda *_, **__: "minilm")
    assert load({"type": "known", "name": "default", "config": {}}) == "minilm"
    config = {"model_name": "all-MiniLM-L6-v2", "device": "cpu"}
    assert load({"type": "known", "name": "sentence_transformer", "config": config}) == "minilm"
