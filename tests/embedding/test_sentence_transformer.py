"""What a model's library cannot do is "could not check", in a sentence: its errors are many."""

import hashlib
import importlib.machinery
import sys
import threading
from types import ModuleType

import numpy as np
import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.embedding import sentence_transformer, weights
from chromadrill.embedding.initializers import DIMENSION


class StandInModel:
    """Loads as torch does on a machine without CUDA, and runs out of memory above 3 documents."""

    def __init__(self, directory, *, device, local_files_only):
        if device != "cpu":
            raise AssertionError("Torch not compiled with CUDA enabled")

    def encode(self, texts, **_):
        if len(texts) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB.\nStack: ...")
        return np.ones((len(texts), DIMENSION))


@pytest.fixture
def libraries(monkeypatch, tmp_path):
    """Stand-ins for torch and its company, which weigh gigabytes."""

    def module(name, **attributes):
        stand_in = ModuleType(name)
        stand_in.__spec__ = importlib.machinery.ModuleSpec(name, None)
        stand_in.__dict__.update(attributes)
        monkeypatch.setitem(sys.modules, name, stand_in)

    def set_num_threads(threads):
        if threads < 1:
            raise RuntimeError("set_num_threads expects a positive integer")

    module("torch", set_num_threads=set_num_threads)
    module("sentence_transformers", SentenceTransformer=StandInModel)
    module("transformers")
    module("transformers.utils")
    module("transformers.utils.logging", disable_progress_bar=lambda: None)
    (tmp_path / weights.WEIGHTS).write_bytes(b"stand-in")
    files = weights.ModelFiles(tmp_path, "stand-in")
    monkeypatch.setattr(weights, "find_model_files", lambda *_, **__: files)


@pytest.mark.parametrize("device", ["cuda", "mps", "nonsense"])
def test_device_that_torch_lacks_is_unavailable_and_names_the_setting(libraries, device):
    with pytest.raises(
        Unavailable, match=rf"device = '{device}'.*Torch not compiled"
    ) as unavailable:
        sentence_transformer.load(device=device)
    assert 'device = "cpu"' in unavailable.value.next_step


def test_library_that_cannot_be_imported_is_unavailable(libraries, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match="cannot be loaded"):
        sentence_transformer.load()


def test_documents_that_do_not_fit_the_device_are_unavailable_with_the_first_line_alone(libraries):
    model = sentence_transformer.load()
    assert model.embed(["a", "b"]).shape == (2, DIMENSION)
    with pytest.raises(
        Unavailable, match=r"4 documents: RuntimeError: CUDA out of memory"
    ) as failed:
        model.embed(["a"] * 4)
    assert "Stack" not in str(failed.value)


class SideBySideModel:
    """Gives each text a vector of its length; as many calls as `both` counts are under way at once."""

    def __init__(self, calls):
        self.both = threading.Barrier(calls, timeout=10)

    def encode(self, texts, **_):
        self.both.wait()
        return np.array([[len(text)] * DIMENSION for text in texts], np.float32)


def side_by_side(calls):
    return sentence_transformer.SentenceTransformerModel(
        SideBySideModel(calls), name="stand-in", revision="stand-in", weights_sha256="none",
        dimension=DIMENSION, threads=1, batch_size=4, workers=2,
    )  # fmt: skip


def test_two_workers_embed_side_by_side_and_each_text_has_its_own_vector():
    texts = ["x" * length for length in (7, 1, 9, 3, 8, 2, 6, 5, 4)]
    assert side_by_side(2).embed(texts)[:, 0].tolist() == [len(text) for text in texts]


def test_texts_of_one_batch_are_embedded_in_one_call():
    assert side_by_side(1).embed(["a", "b", "c"]).shape == (3, DIMENSION)


def test_weights_in_one_file_are_told_by_its_hash_and_those_in_several_by_all_of_them(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "pytorch_model.bin").write_bytes(b"the same for others, not read")
    alone = sentence_transformer.weights_sha256(tmp_path)
    assert alone == hashlib.sha256(b"weights").hexdigest()

    (tmp_path / "2_Dense").mkdir()
    dense = tmp_path / "2_Dense" / "model.safetensors"
    dense.write_bytes(b"a further layer")
    (tmp_path / "modules.json").write_text('[{"path": ""}, {"path": "2_Dense"}]')
    both = sentence_transformer.weights_sha256(tmp_path)
    dense.write_bytes(b"another layer")
    assert len({alone, both, sentence_transformer.weights_sha256(tmp_path)}) == 3


def test_directory_without_weights_has_no_identity(tmp_path):
    with pytest.raises(Unavailable, match="holds no weights"):
        sentence_transformer.weights_sha256(tmp_path)


def test_directory_of_another_model_that_is_not_there_is_named(tmp_path, libraries):
    with pytest.raises(Unavailable, match="no such directory"):
        sentence_transformer.load("org/other", tmp_path / "none")
