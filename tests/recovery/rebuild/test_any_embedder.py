"""`rebuild` and `regenerate` with the embedding function that a collection names, as one types them."""

import numpy as np
import pytest

from chromadrill.backups.export.exporter import export
from chromadrill.core.model import Scope
from chromadrill.embedding.function_model import CONTROLS
from tests.embedding.servers import Fault, WordModel
from tests.recovery.rebuild.named_function import TEXTS, lose, make


# the second one asks the same of a slower library
@pytest.fixture(params=["tei", pytest.param("openai", marks=pytest.mark.slow)])
def function(service, request):
    return getattr(service, request.param)()


def own_texts(service):
    return [text for text in service.texts if text not in CONTROLS]


def vectors_of(table):
    raw = table.chroma.get(table.collection(), include=("documents", "embeddings"))
    return raw["documents"], np.asarray(raw["embeddings"], np.float32)


@pytest.mark.slow
def test_lost_collection_is_embedded_by_the_function_that_its_fingerprint_names(
    table, command, service, function, tmp_path
):
    make(table, function)
    before = lose(table, tmp_path)
    service.faults.extend([Fault(429, retry_after="0.01"), Fault(500)])

    assert command("--fingerprint", str(before)) == 0, command.errors
    assert (command.answer["outcome"], command.answer["embedded"]) == ("pass", 60)
    assert command.answer["embedder"]["retries"] == 2
    documents, vectors = vectors_of(table)
    np.testing.assert_allclose(vectors, WordModel().embed(documents), atol=1e-5)
    metadata = table.collection().metadata
    assert metadata["embedding_configuration_sha256"]
    assert "embedding_weights_sha256" not in metadata
    named = table.collection().configuration["embedding_function"]
    assert named["name"] == function["name"]

    assert command() == 0  # and the next rebuild knows it again
    assert (command.answer["embedded"], command.answer["changed"]) == (0, False)


@pytest.mark.slow
def test_backup_that_lends_its_vectors_knows_the_function_of_the_lost_collection(
    table, command, service, function, tmp_path
):
    make(table, function)
    backup = export(table.chroma, tmp_path / "all.jsonl", scopes=[Scope()]).path
    lose(table, tmp_path)
    table.sql("update manual_content set content = 'new words' where id = 'r7'")

    assert command("--vectors-from", str(backup)) == 0, command.errors
    assert (command.answer["embedded"], command.answer["copied"]) == (1, 59)
    assert command.answer["vectors_from"][0]["canary"]["documents"] == 59


@pytest.mark.slow
def test_what_a_service_answered_before_it_failed_is_never_asked_for_again(
    table, command, service, function, tmp_path
):
    make(table, function)
    before = lose(table, tmp_path)
    # the canary, the first batch to be timed, and a part of the rest
    service.fail_after = 70
    args = ("--fingerprint", str(before), "--batch-size", "5")
    assert command(*args) == 2, command.errors
    assert "status 500" in command.errors
    assert "The same command goes on where this one stopped." in command.errors
    assert table.names() == ["docs.rebuilding"]
    written = set(table.records("docs.rebuilding"))
    assert 10 < len(written) < 60

    service.fail_after = None
    service.requests.clear()
    assert command(*args) == 0, command.errors
    assert (command.answer["resumed"], command.answer["embedded"]) == (
        len(written),
        60 - len(written),
    )
    # 8 of the canary of what was begun, 8 of the lost one, and 64 of the proof, one at a time
    batches = [text for request in service.requests if len(request) > 1 for text in request]
    again = [text for text in batches if text not in CONTROLS]
    assert len(again) <= 60 - len(written) + 16


@pytest.mark.slow
def test_bill_is_told_before_it_starts_and_asked_for_above_the_limit(
    table, command, service, function, tmp_path, monkeypatch
):
    make(table, function)
    before = lose(table, tmp_path)
    monkeypatch.setenv("DRILL_EMBEDDING__ASK_ABOVE_TOKENS", "100")
    monkeypatch.setenv("DRILL_EMBEDDING__BATCH_SIZE", "5")
    args = ("--fingerprint", str(before))
    assert command(*args) == 64, command.errors
    assert f"at {service.url}: 60 documents, 1,361 characters" in command.errors
    assert "tokens are above [embedding] ask_above_tokens = 100" in command.errors
    assert "--yes embeds the rest" in command.errors
    assert len(table.records("docs.rebuilding")) == 10  # of which the rate was measured

    assert command(*args, "--yes") == 0, command.errors
    assert (command.answer["resumed"], command.answer["embedded"]) == (10, 50)
    bill = command.answer["bill"]
    assert (bill["documents"], bill["endpoint"]) == (50, service.url)
    assert bill["seconds"] > 0


@pytest.mark.slow
def test_another_model_behind_the_same_name_is_refused_before_anything_is_paid(
    table, command, service, function, tmp_path
):
    make(table, function)
    before = lose(table, tmp_path)
    service.model = WordModel("another")
    assert command("--fingerprint", str(before)) == 1, command.errors
    assert "of the fingerprint was not embedded by" in command.errors
    assert len(own_texts(service)) == 8
    assert table.names() == []


def test_service_in_another_order_is_refused_by_the_sketches_of_the_lost_one(
    table, command, service, tmp_path
):
    make(table, service.tei())
    before = lose(table, tmp_path)
    # only what lies between our two texts: they do not show it
    service.alter = lambda rows: (
        rows[[0, *range(len(rows) - 2, 0, -1), -1]] if len(rows) > 1 else rows
    )
    assert command("--fingerprint", str(before)) == 1, command.errors
    assert "in another order" in command.errors
    assert table.names() == []


@pytest.mark.parametrize("name", ["rebuild", "regenerate"])
def test_collection_of_another_model_is_left_alone(table, command, service, function, name):
    metadata = {"embedding_model": "huggingface_server", "embedding_configuration_sha256": "0" * 64}
    info = make(table, function, model=WordModel("another"), metadata=metadata)
    assert command(name=name) == 1
    assert "its vectors are not those of" in command.errors
    assert table.collection() == table.chroma.collection(Scope(), "docs")
    assert table.collection().id == info.id
    assert table.names() == ["docs"]


@pytest.mark.slow
def test_service_at_another_address_is_known_by_its_vectors(table, command, service):
    metadata = {"embedding_model": "huggingface_server", "embedding_configuration_sha256": "0" * 64}
    make(table, service.tei(), metadata=metadata)
    assert command() == 0, command.errors
    assert (command.answer["embedded"], command.answer["copied"]) == (0, 60)
    assert table.collection().metadata["embedding_configuration_sha256"] != "0" * 64


def test_width_that_does_not_fit_is_a_sentence(table, command, service, function):
    make(table, function, model=WordModel(dimension=16))
    assert command() == 1, command.errors
    assert "has 16 dimensions" in command.errors
    assert "makes 32" in command.errors


@pytest.mark.slow
def test_model_that_changes_midway_is_stopped_and_gone_on_with_once_it_is_back(
    table, command, service, function, tmp_path
):
    make(table, function)
    before = lose(table, tmp_path)
    right = WordModel()

    class Changing(WordModel):
        def embed(self, texts):
            return (WordModel("another") if len(service.texts) > 60 else right).embed(texts)

    service.model = Changing()
    args = ("--fingerprint", str(before), "--batch-size", "5")
    assert command(*args) == 2, command.errors
    assert "another model answers now" in command.errors
    begun = len(table.records("docs.rebuilding"))
    assert begun >= 10

    assert command(*args) == 1  # still the other one: what was begun is not its own
    assert "of the fingerprint" in command.errors or "docs.rebuilding" in command.errors
    service.model = right
    assert command(*args) == 0, command.errors
    assert command.answer["resumed"] == begun


@pytest.mark.slow
def test_regenerate_mends_vectors_with_the_function_of_the_collection(
    table, command, service, function
):
    info = make(table, function)
    wrong = np.roll(WordModel().embed(TEXTS), 1, axis=1)
    ids = [f"r{number}" for number in range(60)]
    table.chroma.upsert(info, ids=ids, vectors=wrong, documents=TEXTS)
    assert command() == 1, command.errors
    assert "its vectors are not those of" in command.errors
    assert command(name="regenerate") == 0, command.errors
    documents, vectors = vectors_of(table)
    np.testing.assert_allclose(vectors, WordModel().embed(documents), atol=1e-5)


@pytest.mark.slow
def test_collection_that_chromadb_itself_made_names_its_function(
    table, command, service, chroma_home, tmp_path
):
    import chromadb
    from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

    host, port = chroma_home.url.removeprefix("http://").split(":")
    client = chromadb.HttpClient(host=host, port=int(port))
    collection = client.create_collection(
        "docs",
        embedding_function=HuggingFaceEmbeddingServer(f"{service.url}/embed"),
        configuration={"hnsw": {"space": "cosine"}},
    )
    collection.add(ids=[f"r{number}" for number in range(30)], documents=TEXTS[:30])
    before = lose(table, tmp_path)
    assert command("--fingerprint", str(before)) == 0, command.errors
    answer = client.get_collection("docs").query(query_texts=[TEXTS[7]], n_results=1)
    assert answer["ids"] == [["r7"]]


@pytest.mark.slow
def test_workers_ask_the_service_too_and_share_its_limit(
    table, command, service, tmp_path, monkeypatch
):
    make(table, service.tei())
    before = lose(table, tmp_path)
    monkeypatch.setenv("DRILL_EMBEDDING__REQUESTS_PER_MINUTE", "6000")
    assert command("--fingerprint", str(before), "--workers", "2") == 0, command.errors
    assert (command.answer["outcome"], command.answer["embedded"]) == ("pass", 60)
    assert set(table.records()) == {f"r{number}" for number in range(60)}


def test_first_rows_that_are_newer_than_the_fingerprint_do_not_hide_another_model(
    table, command, service, tmp_path, monkeypatch
):
    make(table, service.tei())
    before = lose(table, tmp_path)
    monkeypatch.setenv("DRILL_SOURCE__BATCH", "20")
    table.sql("update manual_content set content = content || '!' where (metadata->>'n')::int < 50")
    service.model = WordModel("another")
    assert command("--fingerprint", str(before)) == 1, command.errors
    assert "of the fingerprint was not embedded by" in command.errors


def test_collection_without_a_function_says_how_one_is_named(table, command, service):
    table.chroma.create_collection(Scope(), "docs")
    assert command() == 2, command.errors
    assert "names no embedding function" in command.errors
    assert 'function = "package.module:callable"' in command.errors
