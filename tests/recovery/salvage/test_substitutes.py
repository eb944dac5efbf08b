"""Vectors that the store has lost come from another store or an embedder, once that is proven."""

import shutil

import numpy as np
import pytest

from chromadrill.chroma.at_rest import Store
from tests.front_door import enter
from tests.recovery.salvage.conftest import RECORDS, index_of

EMBEDDER = "tests.recovery.salvage.own_embedder"


@pytest.fixture
def cut(damaged):
    """Half of the index is lost."""
    file = index_of(damaged) / "data_level0.bin"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 + 5])
    return damaged


@pytest.fixture
def configure(tmp_path, monkeypatch):
    def write(function, **more):
        lines = [f'function = "{EMBEDDER}:{function}"', *(f"{k} = {v}" for k, v in more.items())]
        (tmp_path / "drill.toml").write_text("\n".join(["[embedding]", *lines]))
        return tmp_path / "drill.toml"

    return write


def vectors_of(data):
    with Store.open(data) as store:
        (info,) = store.collections()
        return {
            id_: vector
            for page in store.pages(info)
            for id_, vector in zip(page.ids, page.vectors, strict=True)
        }


@pytest.mark.slow
def test_vectors_of_another_store_are_lent_by_their_documents(sound, cut, tmp_path, capsys):
    new = tmp_path / "new"
    ended = enter(capsys, "salvage", cut, "--into", new, "--vectors-from", sound[0], "--json")
    assert ended.code == 1, ended.text
    (collection,) = ended.answer["salvage"]
    assert collection["brought_back"] == RECORDS
    assert collection["vectors"]["another store"] == ended.answer["vectors_from"][0]["taken"] > 500
    true = vectors_of(sound[0])
    assert all(np.allclose(true[id_], v, rtol=1e-6) for id_, v in vectors_of(new).items())


def test_a_lender_of_another_model_is_refused_by_name(sound, cut, tmp_path, capsys):
    other = shutil.copytree(sound[0], tmp_path / "other")
    with Store.open(other) as store:
        (info,) = store.collections()
        header = store.vectors(info).index.header
    file = index_of(other) / "data_level0.bin"
    rows = np.fromfile(file, np.uint8).reshape(-1, header.row_size)
    vectors = rows[:, header.vector_offset : header.label_offset].copy().view("<f4")
    rows[:, header.vector_offset : header.label_offset] = vectors[:, ::-1].copy().view(np.uint8)
    rows.tofile(file)
    new = tmp_path / "new"
    ended = enter(capsys, "salvage", cut, "--into", new, "--vectors-from", other)
    assert ended.code == 1, ended.text
    assert f"--vectors-from {other}" in ended.err
    assert "are not those of" in ended.err
    assert not new.exists()


@pytest.mark.slow
def test_documents_are_embedded_again_by_a_model_that_agrees(
    sound, cut, tmp_path, configure, capsys
):
    new = tmp_path / "new"
    ended = enter(
        capsys,
        "salvage",
        cut,
        "--into",
        new,
        "--embed",
        "--drill-config",
        configure("embed"),
        "--json",
    )
    assert ended.code == 1, ended.text
    (collection,) = ended.answer["salvage"]
    assert collection["brought_back"] == RECORDS
    assert collection["vectors"]["embedded again"] > 500
    true = vectors_of(sound[0])
    assert all(np.allclose(true[id_], v, rtol=1e-6) for id_, v in vectors_of(new).items())


def test_a_model_that_does_not_agree_embeds_nothing(cut, tmp_path, configure, capsys):
    config, new = configure("other"), tmp_path / "new"
    ended = enter(capsys, "salvage", cut, "--into", new, "--embed", "--drill-config", config)
    assert ended.code == 1, ended.text
    assert "is not proven to be the model of" in ended.err
    assert not new.exists()


def test_a_bill_above_the_limit_is_asked_for(cut, tmp_path, configure, capsys):
    config, new = configure("embed", ask_above_tokens=10), tmp_path / "new"
    words = ("salvage", cut, "--into", new, "--embed", "--drill-config", config)
    ended = enter(capsys, *words)
    assert ended.code == 64, ended.text
    assert "tokens are above [embedding] ask_above_tokens" in ended.err
    assert not new.exists()


def test_without_anything_to_prove_a_model_by_it_is_refused_unless_a_fingerprint_agrees(
    sound, damaged, configure, capsys
):
    for file in index_of(damaged).iterdir():
        file.unlink()
    words = ("salvage", damaged, "--embed", "--json", "--drill-config")
    with_queue = enter(capsys, *words, configure("embed"))
    assert with_queue.code == 1, with_queue.text
    assert with_queue.answer["salvage"][0]["brought_back"] == RECORDS
    ended = enter(capsys, *words, configure("other"), "--fingerprint", sound[1])
    assert "is not proven to be the model of" in ended.err


def test_doubtful_vectors_are_taken_where_they_are_asked_for(damaged, tmp_path, capsys):
    (index_of(damaged) / "index_metadata.pickle").unlink()
    without = enter(capsys, "salvage", damaged, "--json").answer["salvage"][0]
    ended = enter(capsys, "salvage", damaged, "--with-doubtful", "--json")
    assert ended.code == 1, ended.text
    (collection,) = ended.answer["salvage"]
    doubtful = collection["doubtful_taken"]
    assert doubtful == without["vectors"]["doubtful"] > 1000
    assert collection["brought_back"] == without["brought_back"] + doubtful
