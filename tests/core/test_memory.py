"""Memory is given back while pages are read, and Python's search for circles comes on again."""

import gc

import pytest

from chromadrill.core import memory
from chromadrill.core.memory import tidied, without_cycle_search


def test_the_pages_are_the_same_and_memory_is_given_back_between_them(monkeypatch):
    times = []
    monkeypatch.setattr(memory, "give_back_freed", lambda: times.append(1))
    assert list(tidied(range(3 * memory.EVERY_PAGES + 1))) == list(
        range(3 * memory.EVERY_PAGES + 1)
    )
    assert len(times) == 3


def divide_without_search(number):
    with without_cycle_search():
        assert not gc.isenabled()
        return 1 / number


def test_the_search_comes_on_again_also_after_an_error():
    with pytest.raises(ZeroDivisionError):
        divide_without_search(0)
    assert gc.isenabled()
    assert divide_without_search(1) == 1
