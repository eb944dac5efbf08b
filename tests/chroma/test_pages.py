"""Every record is read once, in pages that are as large as its records allow."""

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import CollectionInfo, Page


@pytest.fixture
def collection(monkeypatch):
    """Makes a collection of alike records; returns what every call for a page asked for."""

    def make(records, dimension, document):
        calls = []

        def page(self, info, *, limit, offset):
            calls.append((offset, limit))
            rows = range(offset, min(offset + limit, records))
            none = [None] * len(rows)
            vectors = np.zeros((len(rows), dimension), np.float32)
            return Page([f"r{n}" for n in rows], [document] * len(rows), none, none, vectors)

        monkeypatch.setattr(Chroma, "page", page)
        return calls

    return make


def ids(**size):
    info = CollectionInfo("id", "docs", "t", "d", None, None, None, None, "l2")
    with Chroma("http://127.0.0.1:9") as chroma:
        return [record for page in chroma.pages(info, **size) for record in page.ids]


@pytest.mark.parametrize(
    ("dimension", "letters", "limit"),
    [(384, 200, 2000), (0, 0, 2000), (768, 100, 1169), (1536, 1, 1000), (8, 20_000, 1000)],
)
def test_pages_are_of_ten_megabytes_and_of_a_thousand_records_at_least(
    collection, dimension, letters, limit
):
    calls = collection(9000, dimension, "x" * letters or None)
    assert ids() == [f"r{n}" for n in range(9000)]
    limits = dict(calls)
    assert [limits.pop(offset) for offset in (0, 1000)] == [1000, 1000]
    assert set(limits.values()) == {limit}


@pytest.mark.parametrize("records", [0, 1, 999, 1000, 1001, 2000, 2500, 4000, 4001])
def test_every_record_comes_once_whatever_the_last_page_holds(collection, records):
    collection(records, 4, "x")
    assert ids() == [f"r{n}" for n in range(records)]


def test_size_that_is_asked_for_is_kept(collection):
    calls = collection(100, 4, "x")
    assert len(ids(size=30)) == 100
    assert {limit for _, limit in calls} == {30}
