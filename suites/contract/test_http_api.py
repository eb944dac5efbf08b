"""What the harness assumes of Chroma's HTTP API; a release that changes it turns this red."""

import numpy as np
import pytest

from chromadrill.chroma.client import CallFailed
from chromadrill.chroma.fingerprint.filters import MetadataColumns, choose_filters
from chromadrill.core.model import Scope

pytestmark = [pytest.mark.contract, pytest.mark.gate]

METADATAS = [
    {"n": 7, "s": "é", "f": 7.0, "b": True, "l": ["x", "y"]},
    {"n": 8, "s": "b", "f": -1.5, "b": False},
    {"n": 2**53 + 1, "s": "c"},
    None,
]
DOCUMENTS = ["Hello World * [x] ?", "100%_of 'it' \"q\"", None, "naïve – 検索 №3"]


@pytest.fixture
def own_collection(chroma, run_name):
    """A small collection of our own, removed afterwards."""
    info = chroma.create_collection(Scope(), f"drill-{run_name}-contract", hnsw={"space": "l2"})
    chroma.upsert(
        info,
        ids=["a/b", "ü", "c d", "d"],
        vectors=np.eye(4, dtype=np.float32),
        documents=DOCUMENTS,
        metadatas=METADATAS,
        uris=["file:///1", None, None, None],
    )
    yield chroma.collection(Scope(), info.name)
    chroma.delete_collection(Scope(), info.name)


def test_every_field_comes_back_with_its_type(chroma, own_collection):
    (page,) = chroma.pages(own_collection)

    assert page.documents == DOCUMENTS
    assert page.metadatas == METADATAS
    assert type(page.metadatas[0]["f"]) is float
    assert page.uris[0] == "file:///1"
    assert np.array_equal(page.vectors, np.eye(4, dtype=np.float32))


def test_l2_distance_is_squared(chroma, own_collection):
    answer = chroma.query(own_collection, np.zeros((1, 4), np.float32) + 1, n_results=1)

    assert answer["distances"][0] == [pytest.approx(3.0)]


@pytest.mark.parametrize("where", choose_filters(METADATAS), ids=str)
def test_filter_means_the_same_here_and_there(chroma, own_collection, where):
    (page,) = chroma.pages(own_collection)
    passes = MetadataColumns(page.metadatas).mask(where)
    expected = {record for record, passed in zip(page.ids, passes, strict=True) if passed}

    assert set(chroma.get(own_collection, where=where)["ids"]) == expected


@pytest.mark.parametrize("text", ["World", "world", "* [x] ?", "100%_of 'it' \"q\"", "検索", "№"])
def test_contains_means_the_same_here_and_there(chroma, own_collection, text):
    (page,) = chroma.pages(own_collection)
    expected = {i for i, d in zip(page.ids, page.documents, strict=True) if d and text in d}

    assert set(chroma.get(own_collection, where_document={"$contains": text})["ids"]) == expected


def test_missing_collection_is_404(chroma):
    with pytest.raises(CallFailed) as failed:
        chroma.collection(Scope(), "no-such-collection")
    assert failed.value.status == 404


def test_wrong_dimension_is_400(chroma, own_collection):
    with pytest.raises(CallFailed) as failed:
        chroma.query(own_collection, np.ones((1, 3), np.float32))
    assert failed.value.status == 400


def test_api_v1_is_gone(chroma):
    with pytest.raises(CallFailed) as failed:
        chroma.call("GET", "/api/v1/heartbeat")
    assert failed.value.status == 410


def test_unknown_tenant_is_404(chroma):
    assert not chroma.tenant_exists("no-such-tenant")
