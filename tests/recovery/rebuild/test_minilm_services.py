"""all-MiniLM-L6-v2 by whoever serves it: the vectors decide that it is one model."""

import numpy as np
import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.embedding import minilm
from chromadrill.embedding.likeness import cosines
from chromadrill.embedding.weights import WEIGHTS_SHA256
from tests.embedding.servers import WordModel
from tests.recovery.rebuild.named_function import TEXTS, lose, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embedder():
    try:
        return minilm.load()
    except Unavailable as error:
        pytest.skip(str(error))


def lowest_cosine(table, embedder):
    """Of the collection's vectors and those that the library makes here."""
    raw = table.chroma.get(table.collection(), include=("documents", "embeddings"))
    stored, own = np.asarray(raw["embeddings"]), embedder.embed(raw["documents"])
    return float(np.diagonal(cosines(stored, own)).min())


@pytest.mark.parametrize("service_kind", ["openai", "tei"])
def test_collection_of_the_library_is_rebuilt_by_a_service_that_serves_the_same_model(
    table, command, service, embedder, tmp_path, service_kind
):
    service.model = embedder
    metadata = {"embedding_model": minilm.NAME, "embedding_weights_sha256": WEIGHTS_SHA256}
    make(table, getattr(service, service_kind)(), model=embedder, metadata=metadata)
    before = lose(table, tmp_path)
    assert command("--fingerprint", str(before)) == 0, command.errors
    assert (command.answer["outcome"], command.answer["embedded"]) == ("pass", 60)
    assert lowest_cosine(table, embedder) > 0.9999999


def test_collection_of_a_service_is_rebuilt_by_the_library_with_no_vector_made_again(
    table, command, service, embedder, monkeypatch
):
    make(table, service.tei(), model=embedder)
    monkeypatch.setenv("DRILL_EMBEDDING__FUNCTION", "minilm")
    assert command() == 0, command.errors
    assert (command.answer["embedded"], command.answer["copied"]) == (0, 60)
    assert service.requests == []
    assert table.collection().metadata["embedding_weights_sha256"] == WEIGHTS_SHA256


@pytest.mark.parametrize("name", ["rebuild", "regenerate"])
def test_collection_that_names_another_function_is_not_filled_by_the_default_one(
    table, command, service, embedder, monkeypatch, name
):
    """The application has started after the loss, and created its collection again."""
    monkeypatch.setenv("DRILL_EMBEDDING__FUNCTION", "minilm")
    table.chroma.create_collection(Scope(), "docs", embedding_function=service.tei())
    assert command(name=name) == 1, command.errors
    assert "has no vector to compare" in command.errors
    assert "names 'huggingface_server': [embedding] function = \"collection\"" in command.errors

    monkeypatch.setenv("DRILL_EMBEDDING__FUNCTION", "collection")
    service.model = embedder
    assert command(name=name) == 0, command.errors
    assert len(table.records()) == len(TEXTS)


def test_regenerate_by_the_default_model_does_not_replace_vectors_of_another_one_of_its_width(
    table, command, service, embedder, monkeypatch
):
    make(table, service.tei(), model=WordModel(dimension=384))
    monkeypatch.setenv("DRILL_EMBEDDING__FUNCTION", "minilm")
    assert command(name="regenerate") == 1, command.errors
    assert "its vectors are not those of" in command.errors
    assert "names 'huggingface_server'" in command.errors
    assert table.names() == ["docs"]


def test_default_function_of_chromadb_is_the_library(table, command, embedder, tmp_path):
    make(table, {"type": "known", "name": "default", "config": {}}, model=embedder)
    before = lose(table, tmp_path)
    assert command("--fingerprint", str(before)) == 0, command.errors
    assert command.answer["embedder"]["name"] == minilm.NAME
    assert lowest_cosine(table, embedder) > 0.9999999
    named = table.chroma.collection(Scope(), "docs").configuration["embedding_function"]
    assert named["name"] == "default"
    assert len(table.records()) == len(TEXTS)
