"""What a model's library cannot do is "could not check", in a sentence: its errors are many."""

import importlib.machinery
import sys
import threading
from types import ModuleType

import numpy as np
import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.embedding import minilm


class StandInModel:
    """Loads as torch does on a machine without CUDA, and runs out of memory above 3 documents."""

    def __init__(self, directory, *, device, local_files_only):
        if device != "cpu":
            raise AssertionError("Torch not compiled with CUDA enabled")

    def encode(self, texts, **_):
        if len(texts) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB.\nStack: ...")
        return np.ones((len(texts), minilm.DIMENSION))


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
    files = minilm.ModelFiles(tmp_path, "stand-in")
    monkeypatch.setattr(minilm, "find_model_files", lambda *_, **__: files)


@pytest.mark.parametrize("device", ["cuda", "mps", "nonsense"])
def test_device_that_torch_lacks_is_unavailable_and_names_the_setting(libraries, device):
    with pytest.raises(
        Unavailable, match=rf"device = '{device}'.*Torch not compiled"
    ) as unavailable:
        minilm.load(device=device)
    assert 'device = "cpu"' in unavailable.value.next_step


def test_library_that_cannot_be_imported_is_unavailable(libraries, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match="cannot be loaded"):
        minilm.load()


def test_documents_that_do_not_fit_the_device_are_unavailable_with_the_first_line_alone(libraries):
    model = minilm.load()
    assert model.embed(["a", "b"]).shape == (2, minilm.DIMENSION)
    with pytest.raises(
        Unavailable, match=r"4 documents: RuntimeError: CUDA out of memory"
    ) as failed:
        model.embed(["a"] * 4)
    assert "Stack" not in str(failed.value)


class SideBySideModel:
    """Gives each text a vector of its length; two calls must be under way at once."""

    def __init__(self):
        self.both = threading.Barrier(2, timeout=10)
        self.calls = 0

    def encode(self, texts, **_):
        self.calls += 1
        if self.calls > 1:  # the first one is alone
            self.both.wait()
        return np.array([[len(text)] * minilm.DIMENSION for text in texts], np.float32)


def test_two_workers_embed_side_by_side_and_each_text_has_its_own_vector():
    model = minilm.MiniLM(
        SideBySideModel(), revision="stand-in", threads=1, batch_size=4, workers=2
    )
    texts = ["x" * length for length in (7, 1, 9, 3, 8, 2, 6, 5, 4)]
    assert model.embed(texts)[:, 0].tolist() == [len(text) for text in texts]


def test_texts_of_one_batch_are_embedded_in_one_call():
    calls = SideBySideModel()
    model = minilm.MiniLM(calls, revision="stand-in", threads=1, batch_size=4, workers=2)
    model.embed(["a", "b", "c"])
    assert calls.calls == 1
