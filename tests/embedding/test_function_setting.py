"""`[embedding] function`: four kinds of names, and any other is refused with what is wanted."""

import pytest

from chromadrill.core import settings
from chromadrill.core.errors import UsageError


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
