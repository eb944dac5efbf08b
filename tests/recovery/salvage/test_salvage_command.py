"""`chromadrill salvage`: what is left comes back, the original is as it was, nothing is invented."""

import json
import shutil
import sqlite3
from contextlib import closing
from typing import NamedTuple

import numpy as np
import pytest

from chromadrill.backups.manifest import files_of
from chromadrill.chroma.at_rest import Store
from chromadrill.targets.process.target import ProcessTarget
from tests.front_door import enter
from tests.recovery.salvage.conftest import RECORDS, index_of


class Record(NamedTuple):
    document: str
    metadata: dict
    vector: np.ndarray

    def __eq__(self, other):
        """An import makes unit vectors of a cosine collection once more: an ulp."""
        is_same = (self.document, self.metadata) == (other.document, other.metadata)
        return is_same and np.allclose(self.vector, other.vector, rtol=1e-6, atol=0)

    def __ne__(self, other):
        return not self == other

    __hash__ = None


def records_of(data):
    with Store.open(data) as store:
        (info,) = store.collections()
        return {
            id_: Record(document, metadata, vector)
            for page in store.pages(info)
            for id_, document, metadata, vector in zip(
                page.ids, page.documents, page.metadatas, page.vectors, strict=True
            )
        }


def test_a_whole_store_is_whole(sound, capsys):
    ended = enter(capsys, "salvage", str(sound[0]))
    assert ended.code == 0, ended.text
    assert "1,200 of 1200 records can be brought back whole" in ended.out


def test_a_collection_that_was_renamed_is_the_fingerprints_by_its_id(sound, damaged, capsys):
    with closing(sqlite3.connect(damaged / "chroma.sqlite3")) as database, database:
        database.execute("UPDATE collections SET name = 'other'")
    ended = enter(capsys, "salvage", damaged, "--fingerprint", sound[1])
    assert ended.code == 0, ended.text
    assert "1,200 vectors are proven" in ended.out


def test_a_write_without_metadata_is_no_damage(damaged, capsys):
    with closing(sqlite3.connect(damaged / "chroma.sqlite3")) as database, database:
        database.execute("UPDATE embeddings_queue SET metadata = NULL")
    ended = enter(capsys, "salvage", damaged)
    assert ended.code == 0, ended.text
    assert "holds no JSON" not in ended.text


@pytest.mark.slow
def test_a_cut_index_gives_what_it_still_holds_and_lists_the_rest(sound, damaged, tmp_path, capsys):
    data = index_of(damaged) / "data_level0.bin"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2 + 5])
    before = files_of(damaged)
    new = tmp_path / "new"

    ended = enter(capsys, "salvage", str(damaged), "--into", str(new), "--json")
    assert ended.code == 1, ended.text

    (collection,) = ended.answer["salvage"]
    assert files_of(damaged) == before
    records, true = records_of(new), records_of(sound[0])
    assert len(records) == collection["brought_back"] > RECORDS // 2
    assert all(true[id_] == record for id_, record in records.items())
    lost = [json.loads(line) for line in (tmp_path / "new.losses.jsonl").read_text().splitlines()]
    assert {line["id"] for line in lost} == true.keys() - records.keys()


def test_without_its_pickle_rows_are_nobodys_until_a_fingerprint_says_whose(sound, damaged, capsys):
    (index_of(damaged) / "index_metadata.pickle").unlink()
    ended = enter(capsys, "salvage", str(damaged), "--json")
    assert ended.code == 1, ended.text
    (alone,) = ended.answer["salvage"]
    ended = enter(capsys, "salvage", str(damaged), "--fingerprint", str(sound[1]), "--json")
    assert ended.code == 1, ended.text
    (proven,) = ended.answer["salvage"]
    assert alone["vectors"].get("index", 0) == 0
    assert (proven["brought_back"], proven["proven"]) == (RECORDS, RECORDS)


def test_a_vector_that_is_not_the_fingerprints_is_left_out(sound, damaged, capsys):
    directory = index_of(damaged)
    file, size = directory / "data_level0.bin", None
    with Store.open(damaged) as store:
        (info,) = store.collections()
        header = store.vectors(info).index.header
    content = bytearray(file.read_bytes())
    size = header.row_size
    one, two = (
        slice(n * size + header.vector_offset, n * size + header.label_offset) for n in (3, 4)
    )
    content[one], content[two] = content[two], content[one]
    file.write_bytes(content)
    ended = enter(capsys, "salvage", str(damaged), "--fingerprint", str(sound[1]), "--json")
    assert ended.code == 1, ended.text
    (collection,) = ended.answer["salvage"]
    assert collection["proven"] == collection["brought_back"] >= RECORDS - 2


@pytest.mark.slow
def test_a_database_that_sqlite_refuses_is_read_page_by_page(sound, damaged, tmp_path, capsys):
    file = damaged / "chroma.sqlite3"
    content = bytearray(file.read_bytes())
    content[:16] = bytes(16)
    file.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError), closing(sqlite3.connect(file)) as database:
        database.execute("SELECT 1 FROM collections").fetchone()
    new = tmp_path / "new"
    ended = enter(capsys, "salvage", str(damaged), "--into", str(new))
    assert ended.code == 1, ended.text
    assert "read page by page" in ended.out
    assert records_of(new) == records_of(sound[0])


def test_a_parquet_file_is_refused_before_anything_is_written(damaged, tmp_path, capsys):
    ended = enter(capsys, "salvage", damaged, "--into", tmp_path / "new.parquet")
    assert ended.code == 64, ended.text
    assert "ends in .jsonl.zst" in ended.text
    assert not list(tmp_path.glob("*new.parquet*"))


def test_an_export_can_be_made_instead(damaged, tmp_path, capsys):
    (index_of(damaged) / "header.bin").unlink()
    new = tmp_path / "new.jsonl.zst"
    ended = enter(capsys, "salvage", str(damaged), "--into", str(new))
    assert ended.code == 1, ended.text
    assert new.is_file()
    assert "1,200 of 1200" in ended.out


@pytest.mark.parametrize("taken", ["new", "new.unfinished"])
def test_nothing_is_overwritten(damaged, tmp_path, taken, capsys):
    (tmp_path / taken).mkdir()
    ended = enter(capsys, "salvage", str(damaged), "--into", str(tmp_path / "new"))
    assert ended.code == 1, ended.text
    assert "exists" in ended.err


def test_a_directory_that_a_server_has_is_refused(tmp_path, capsys):
    target = ProcessTarget(tmp_path / "home")
    target.start()
    try:
        ended = enter(capsys, "salvage", str(target.data))
        assert ended.code == 1, ended.text
        assert "is in use: process" in ended.err
    finally:
        target.remove()


def test_a_file_of_noise_is_nothing_to_be_had(damaged, capsys):
    (damaged / "chroma.sqlite3").write_bytes(np.random.default_rng(2).bytes(1 << 16))
    ended = enter(capsys, "salvage", str(damaged))
    assert ended.code == 2, ended.text
    assert "Traceback" not in ended.text


def look_into(capsys, damaged, *options):
    ended = enter(capsys, "salvage", str(damaged), *options, "--json")
    assert ended.code == 1, ended.text
    (collection,) = ended.answer["salvage"]
    return collection


def count_rows(damaged, count):
    header = index_of(damaged) / "header.bin"
    content = bytearray(header.read_bytes())
    content[20:28] = count.to_bytes(8, "little")
    header.write_bytes(content)


def test_rows_that_the_header_does_not_count_come_back(damaged, capsys):
    """A kill within a flush leaves the header of the one before."""
    count_rows(damaged, 100)
    collection = look_into(capsys, damaged)
    assert collection["brought_back"] == RECORDS
    assert "counts 100 rows" in str(collection["damage"])


@pytest.mark.parametrize("header_is", ["lost", "of the flush before"])
def test_rows_behind_those_of_the_index_count_for_nothing(damaged, header_is, capsys):
    """The file is as long as the server's memory for it, which may hold rows of another index."""
    with Store.open(damaged) as store:
        (info,) = store.collections()
        header = store.vectors(info).index.header
    if header_is == "lost":
        (index_of(damaged) / "header.bin").unlink()
    else:
        count_rows(damaged, 100)
    file = index_of(damaged) / "data_level0.bin"
    rows = file.read_bytes()[: header.elements * header.row_size]
    file.write_bytes(rows + rows[: 9 * header.row_size])
    collection = look_into(capsys, damaged)
    assert collection["brought_back"] == RECORDS
    assert "of several rows" not in str(collection["damage"])


def test_of_a_cut_length_file_the_fingerprint_proves_what_is_left(sound, damaged, capsys):
    lengths = index_of(damaged) / "length.bin"
    lengths.write_bytes(lengths.read_bytes()[:2000])
    assert look_into(capsys, damaged)["vectors"].get("index", 0) == 0
    proven = look_into(capsys, damaged, "--fingerprint", str(sound[1]))
    assert proven["brought_back"] == proven["proven"] > RECORDS - 1000


def test_a_queue_entry_without_json_keeps_its_vector(damaged, capsys):
    with closing(sqlite3.connect(damaged / "chroma.sqlite3")) as database, database:
        database.execute(
            "UPDATE embeddings_queue SET metadata = '{' WHERE seq_id ="
            " (SELECT max(seq_id) FROM embeddings_queue)"
        )
    assert look_into(capsys, damaged)["brought_back"] == RECORDS


def test_a_wrong_dimension_is_corrected_by_the_queue(damaged, capsys):
    shutil.rmtree(index_of(damaged))
    with closing(sqlite3.connect(damaged / "chroma.sqlite3")) as database, database:
        database.execute("UPDATE collections SET dimension = 9")
    collection = look_into(capsys, damaged)
    assert collection["vectors"]["queue"] > 0
    assert "8 dimensions, not 9" in str(collection["damage"])
