"""The default embedder's vectors are sentence-transformers' own (run where `embed` is installed)."""

import importlib.util

import numpy as np
import pytest

from chromadrill.embedding import minilm, sentence_transformer
from chromadrill.workload.data.stdlib import documents

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None,
    reason="the extra `embed` is not installed",
)
COUNT = 300
# what a tokenizer may do otherwise
STRANGE = [
    "", " ", "\n\t", "[SEP] [MASK] and [PAD] in a text", "[UNK]", "ÜNÏCÖDE Straße déjà-vu",
    "漢字かな交じり文", "ي العربية", "हिन्दी पाठ", "emoji 🙂 👩‍👩‍👧",
    "a\u0301 combining", "\u200bzero\ufeff width",
    "hello\x00world", "tab\tand\r\nnewline", "12.5% of $1,000.00!!!", "## hash ##ing", "Ω≈ç√∫µ≤≥÷",
    "a" * 5000, "word " * 600, *("I " * count for count in (253, 254, 255, 256)),
]  # fmt: skip


@pytest.fixture(scope="module")
def default():
    return minilm.load()


@pytest.fixture(scope="module")
def reference():
    return sentence_transformer.load()


@pytest.fixture(scope="module")
def texts():
    library = [document.text for document in documents()]
    return library[:: len(library) // COUNT][:COUNT]


def cosines(some, others):
    some, others = some.astype(np.float64), others.astype(np.float64)
    lengths = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    return (some * others).sum(axis=1) / lengths


def nearest(vectors, count=10):
    order = np.argsort(-(vectors @ vectors.T), axis=1)
    return [set(row[:count]) for row in order.tolist()]


def test_vectors_of_300_documents_are_the_same_and_so_are_their_ten_nearest(
    default, reference, texts
):
    ours, theirs = default.embed(texts), reference.embed(texts)
    assert cosines(ours, theirs).min() >= 0.9999999
    assert nearest(ours) == nearest(theirs)


def test_vectors_of_strange_texts_are_the_same(default, reference):
    assert cosines(default.embed(STRANGE), reference.embed(STRANGE)).min() >= 0.9999999


def test_both_are_one_model(default, reference):
    assert default.name == reference.name
    assert default.weights_sha256 == reference.weights_sha256
    assert default.revision == reference.revision
    assert set(default.facts()) == set(reference.facts())


def test_name_of_a_model_that_is_not_on_this_disk_is_unavailable(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(sentence_transformer.Unavailable, match="no-such/model is not on this disk"):
        sentence_transformer.load("no-such/model")
