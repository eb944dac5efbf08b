"""`[embedding] function`: four kinds of names, and any other is refused with what is wanted."""

import pytest

from chromadrill.core import settings
from chromadrill.core.errors import UsageError
from chromadrill.core.settings import Embedding
from chromadrill.embedding import embedders, minilm, sentence_transformer, weights


def load(function):
    return settings.load(environ={"DRILL_EMBEDDING__FUNCTION": function}).embedding.function


@pytest.mark.parametrize(
    "function",
    ["minilm", "collection", "BAAI/bge-small-en-v1.5", "shop.vectors:embed", "own:Models.small"],
)
def test_each_kind_of_embedder_is_named_in_a_word(function):
    assert load(function) == function


@pytest.mark.parametrize(
    "function", ["", "openai", "own:", ":embed", "own:a-b", "a//b", "http://x"]
)
def test_any_other_word_is_a_usage_error_that_says_what_is_wanted(function):
    with pytest.raises(UsageError, match=r'want "minilm", "collection".*package\.module:callable'):
        load(function)


@pytest.mark.parametrize(
    ("options", "module", "name"),
    [
        ({}, minilm, None),
        ({"function": "BAAI/bge-small-en-v1.5"}, sentence_transformer, "BAAI/bge-small-en-v1.5"),
        ({"device": "cuda"}, sentence_transformer, weights.NAME),
    ],
    ids=["default", "by name", "another device"],
)
def test_each_name_leads_to_its_embedder(monkeypatch, options, module, name):
    calls = []
    monkeypatch.setattr(module, "load", lambda *args, **more: calls.append((args, more)))
    embedders.load(Embedding(**options))
    ((args, more),) = calls
    assert more["batch_size"] == 8
    assert args == ((name, None) if name else (None,))
    assert embedders.documents_at_once(Embedding(**options)) == 16


def test_service_gets_more_documents_at_once_than_the_default():
    assert embedders.documents_at_once(Embedding(function="collection")) == 60
    assert embedders.documents_at_once(Embedding(function="own:embed", batch_size=5)) == 10
