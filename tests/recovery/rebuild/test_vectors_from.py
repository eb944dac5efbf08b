"""`--vectors-from`: what somebody has embedded already is taken over by its document, once proven."""

import json
import shutil
import sqlite3
import tarfile
from contextlib import closing

import numpy as np
import pytest

from chromadrill.backups.export.exporter import export
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import Scope
from chromadrill.recovery.vectors_from.open_lenders import open_lenders
from tests.commands.run import ROOT, run_command
from tests.recovery.rebuild.conftest import ROWS, assert_passed
from tests.recovery.rebuild.hash_model import HashModel

TEXTS = [text for _, text, _ in ROWS]


def lend(table, name="lender", *, vectors=None, texts=TEXTS, metadata=None, **hnsw):
    """A collection whose ids have nothing to do with the rows'."""
    info = table.chroma.create_collection(
        Scope(), name, hnsw={"space": "cosine", **hnsw}, metadata=metadata
    )
    vectors = table.model.embed(texts) if vectors is None else vectors
    ids = [f"other-{number}" for number in range(len(texts))]
    table.chroma.upsert(info, ids=ids, vectors=vectors, documents=texts)
    table.model.texts.clear()
    return info


def rebuild_from(table, *lenders, **task):
    with open_lenders(table.chroma, [str(one) for one in lenders], Scope(), "docs") as opened:
        return table.rebuild(lenders=opened, **task)


def as_collection(table, chroma_home, tmp_path):
    return "lender"


def as_export(table, chroma_home, tmp_path):
    return export(table.chroma, tmp_path / "all.jsonl", scopes=[Scope()]).path


def as_parquet_folder(table, chroma_home, tmp_path):
    return export(table.chroma, tmp_path / "folder", scopes=[Scope()]).path


def as_data_directory(table, chroma_home, tmp_path):
    return shutil.copytree(chroma_home.data, tmp_path / "data")


def as_archive(table, chroma_home, tmp_path):
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as tar:
        tar.add(chroma_home.data, "chroma_db")
    return tmp_path / "data.tar.gz"


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", [as_collection, as_export, as_parquet_folder, as_data_directory, as_archive]
)
def test_documents_that_a_lender_has_are_not_embedded_again(table, chroma_home, tmp_path, place):
    lend(table)
    path = place(table, chroma_home, tmp_path)
    table.sql("update manual_content set content = 'changed' where id = 'r7'")
    result = rebuild_from(table, path)

    assert_passed(result)
    assert (result.embedded, result.copied) == (1, 59)
    (loan,) = result.loans
    assert (loan.records, loan.taken, loan.sampled) == (60, 59, 59)
    assert loan.least_cosine > 0.99999
    assert table.records()["r7"][0] == "changed"
    assert table.records()["r8"] == ROWS[8][1:]
    assert table.names() == ["docs", "lender"]


@pytest.mark.slow
def test_regenerate_takes_over_from_the_lender_and_not_from_the_collection_itself(table):
    table.rebuild()
    info = table.collection()
    wrong = HashModel("stale").embed(TEXTS)
    table.chroma.upsert(info, ids=[i for i, _, _ in ROWS], vectors=wrong, documents=TEXTS)
    lend(table)
    result = rebuild_from(table, "lender", fresh=True)

    assert_passed(result)
    assert (result.embedded, result.copied) == (0, 60)


def test_lender_that_names_another_model_is_refused_and_named(table):
    lend(table, metadata={"embedding_model": "m", "embedding_weights_sha256": "0" * 64})
    with pytest.raises(Refused, match=r"lender: it was embedded by m .*, not by hash"):
        rebuild_from(table, "lender")
    assert table.names() == ["lender"]


def test_lender_of_another_model_that_names_none_is_found_by_the_sample(table):
    lend(table, vectors=HashModel("other").embed(TEXTS))
    with pytest.raises(Refused, match=r"lender: 60 of 60 sampled vectors are not what hash "):
        rebuild_from(table, "lender")
    assert table.names() == ["lender"]


def test_swapped_vectors_are_found_by_the_sample(table):
    vectors = table.model.embed(TEXTS)
    vectors[[3, 4]] = vectors[[4, 3]]
    lend(table, vectors=vectors)
    with pytest.raises(Refused, match="2 of 60 sampled"):
        rebuild_from(table, "lender")


def test_vectors_that_are_zero_or_of_another_length_are_left_out_and_counted(table):
    vectors = table.model.embed(TEXTS)
    vectors[:3], vectors[3:5] = 0, vectors[3:5] * 2
    lend(table, vectors=vectors, space="l2")
    result = rebuild_from(table, "lender")

    assert_passed(result)
    assert (result.embedded, result.copied) == (5, 55)
    (loan,) = result.loans
    assert loan.left_out["zero_or_not_finite"] == 3
    assert loan.left_out["not_of_length_1"] == 2


def test_two_lenders_that_contradict_each_other_lend_neither(table):
    lend(table, texts=TEXTS[:40])
    vectors = table.model.embed(TEXTS[20:])
    vectors[0] += np.float32(0.05) * vectors[1]
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    lend(table, "second", texts=TEXTS[20:], vectors=vectors)
    with pytest.raises(Refused, match="second"):  # here the sample is all of it
        rebuild_from(table, "lender", "second")


def test_first_lender_of_a_document_is_the_one_that_gives_it(table):
    lend(table, texts=TEXTS[:40])
    lend(table, "second", texts=TEXTS[20:])
    result = rebuild_from(table, "lender", "second")

    assert_passed(result)
    assert result.embedded == 0
    assert [loan.taken for loan in result.loans] == [40, 20]


def pickle_of(data):
    """Of the collection made last: the folders of deleted ones stay."""
    return max(data.glob("*/index_metadata.pickle"), key=lambda file: file.stat().st_mtime_ns)


def cut_off_rows(data):
    pickle = pickle_of(data)
    header = (pickle.parent / "header.bin").read_bytes()
    row_size = int.from_bytes(header[28:36], "little")
    with (pickle.parent / "data_level0.bin").open("r+b") as file:
        file.truncate(40 * row_size + 7)
    return 40


def zero_the_graph(data):
    links = pickle_of(data).parent / "link_lists.bin"
    links.write_bytes(bytes(links.stat().st_size))
    return 60


def zero_the_header(data):
    (pickle_of(data).parent / "header.bin").write_bytes(bytes(100))
    return 60


def lose_the_pickle(data):
    pickle_of(data).unlink()
    return 0  # nothing says which row is whose


def damage_the_database(data):
    file = data / "chroma.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        ((size,),) = database.execute("pragma page_size")
        ((page,),) = database.execute(
            "select rootpage from sqlite_master where name like 'sqlite_autoindex_embeddings_%'"
        )
    with file.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(bytes(size))
    return 60


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [cut_off_rows, zero_the_graph, zero_the_header, lose_the_pickle, damage_the_database],
)
def test_damaged_store_lends_what_can_still_be_read_by_label(table, chroma_home, tmp_path, damage):
    lend(table, sync_threshold=10, batch_size=10)
    data = shutil.copytree(chroma_home.data, tmp_path / "data")
    least = damage(data)
    before = {file: file.read_bytes() for file in data.rglob("*") if file.is_file()}
    result = rebuild_from(table, data)

    assert_passed(result)
    assert result.copied + result.embedded == 60
    assert least - 5 <= result.loans[0].taken == result.copied, result.loans[0].sentence
    assert {file: file.read_bytes() for file in data.rglob("*") if file.is_file()} == before


@pytest.mark.slow
def test_export_of_several_collections_lends_those_of_the_model(table, chroma_home, tmp_path):
    lend(table, texts=TEXTS[:30])
    lend(table, "second", texts=TEXTS[30:])
    other = lend(table, "other", vectors=np.eye(60, 8, dtype=np.float32) + 1)
    file = as_export(table, chroma_home, tmp_path)
    result = rebuild_from(table, file)

    assert_passed(result)
    taken = {loan.lender.rpartition("/")[2]: loan.taken for loan in result.loans}
    assert taken == {"lender": 30, "other": 0, "second": 30}
    assert "it has 8 dimensions" in result.loans[1].sentence
    with pytest.raises(Refused, match="it has 8 dimensions"):
        rebuild_from(table, f"{file}#{other.name}")
    with pytest.raises(UsageError, match="Did you mean 'default_tenant/default_database/second'"):
        rebuild_from(table, f"{file}#default_tenant/default_database/secnd")


def test_path_that_is_no_backup_is_told_what_one_is(table, tmp_path):
    (tmp_path / "notes.txt").write_text("no backup")
    with pytest.raises(Unavailable, match=r"no chroma\.sqlite3 in it, and it is no export"):
        rebuild_from(table, tmp_path)
    with pytest.raises(Unavailable, match="is not a backup"):
        rebuild_from(table, tmp_path / "notes.txt")


def test_name_of_a_file_and_of_a_collection_is_not_guessed(table, tmp_path, monkeypatch):
    lend(table)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lender").mkdir()
    with pytest.raises(UsageError, match="a file of that name here, and a collection"):
        rebuild_from(table, "lender")
    assert rebuild_from(table, "default_tenant/default_database/lender").copied == 60


def test_lender_that_is_no_path_and_no_collection_is_a_usage_error(table):
    lend(table)
    with pytest.raises(UsageError, match="Did you mean 'lender'"):
        rebuild_from(table, "lendr")


@pytest.mark.slow
def test_command_says_what_each_lender_gave(table, chroma_home, tmp_path):
    lend(table)
    file = as_export(table, chroma_home, tmp_path)
    table.chroma.delete_collection(Scope(), "lender")
    lend(table, "second", texts=TEXTS[:10])
    table.sql("update manual_content set content = 'changed' where id = 'r7'")
    environment = {
        "CHROMA_URL": chroma_home.url,
        "DATABASE_URL": table.url,
        "DRILL_EMBEDDING__FUNCTION": "tests.recovery.rebuild.own_functions:hash_model",
    }
    typed = (
        "rebuild", "--from-postgresql", "--collection-name", "docs",
        "--vectors-from", str(file), "--vectors-from", "second",
    )  # fmt: skip
    ran = run_command(*typed, "--json", environment=environment, cwd=ROOT)

    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert (answer["embedded"], answer["copied"], answer["taken_over_percent"]) == (1, 59, 98.3)
    first, second = answer["vectors_from"]
    assert (first["taken"], second["taken"], second["offered"]) == (59, 0, 9)
    assert first["lender"] == f"{file}#default_tenant/default_database/lender"
    assert first["canary"]["documents"] == 59

    lend(table, "third", vectors=HashModel("other").embed(TEXTS))
    refused = run_command(*typed, "--vectors-from", "third", environment=environment, cwd=ROOT)
    assert refused.returncode == 1
    assert "--vectors-from collection default_tenant/default_database/third" in refused.stderr
