"""The shortest way that brings back all is named, done on a copy, and proven."""

import sqlite3
from contextlib import closing

import pytest

from chromadrill.backups.manifest import files_of
from tests.front_door import enter

FAULTS = {
    "text index": "DELETE FROM embedding_fulltext_search_data WHERE id > 10",
    "text entries": "DELETE FROM embedding_fulltext_search_content WHERE id < 100",
    "orphan": "INSERT INTO embedding_metadata (id, key, string_value) VALUES (999999, 'k', 'v')",
    "sequence row": (
        "DELETE FROM max_seq_id WHERE segment_id IN (SELECT id FROM segments WHERE scope = 'METADATA')"
    ),
}
ALTERED = (
    "UPDATE embedding_metadata SET string_value = 'x' WHERE key = 'chroma:document' AND id = 5"
)


def run_sql(data, *statements):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_quick_way_is_named_and_its_copy_is_what_it_was(sound, damaged, tmp_path, fault, capsys):
    run_sql(damaged, FAULTS[fault])
    before, new = files_of(damaged), tmp_path / "new"
    looked = enter(capsys, "salvage", damaged)
    assert looked.code == 1, looked.text
    assert f"Next: chromadrill salvage {damaged} --into NEW --quick" in looked.out
    ended = enter(
        capsys, "salvage", damaged, "--into", new, "--quick", "--fingerprint", sound[1], "--json"
    )
    assert ended.code == 0, ended.text
    assert {ended.outcomes[check] for check in ("salvage", "records", "integrity")} == {"pass"}
    assert files_of(damaged) == before
    assert enter(capsys, "validate", "--all", "--path", new, "--fingerprint", sound[1]).code == 0


def test_of_two_documents_that_differ_no_quick_way_chooses_one(damaged, tmp_path, capsys):
    run_sql(damaged, FAULTS["text index"], ALTERED)
    assert "--quick" not in enter(capsys, "salvage", damaged).out
    ended = enter(capsys, "salvage", damaged, "--into", tmp_path / "new", "--quick")
    assert ended.code == 2, ended.text
    assert "there are two that differ" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_what_is_not_enough_writes_nothing_and_names_the_long_way(damaged, tmp_path, capsys):
    for file in damaged.glob("*/data_level0.bin"):
        file.write_bytes(b"")
    ended = enter(capsys, "salvage", damaged, "--into", tmp_path / "new", "--quick")
    assert ended.code == 1, ended.text
    assert "not enough. Nothing was written." in ended.out
    assert f"Next: chromadrill salvage {damaged} --into {tmp_path / 'new'}" in ended.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_a_store_whose_text_index_is_damaged_is_not_called_whole(damaged, capsys):
    run_sql(damaged, FAULTS["text index"])
    ended = enter(capsys, "salvage", damaged, "--json")
    assert ended.code == 1, ended.text
    assert "full-text index is damaged" in ended.text
    assert ended.answer["quick"] == ["the full-text index is made anew from the documents"]


@pytest.mark.parametrize("name", ["..", "", ".", "../beside", "{root}/beside"])
@pytest.mark.parametrize(
    "way", [("replay", "--path"), ("salvage", "--quick")], ids=["replay", "quick"]
)
def test_a_segment_that_is_named_by_a_path_costs_no_folder(damaged, tmp_path, way, name, capsys):
    """The database is the damaged part: what it says is not where anything is removed."""
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "precious").write_text("another's")
    run_sql(
        damaged,
        "CREATE TEMP TABLE named AS SELECT id FROM segments WHERE scope = 'VECTOR'",
        f"UPDATE max_seq_id SET segment_id = '{name}' WHERE segment_id IN named".format(
            root=tmp_path
        ),
        f"UPDATE segments SET id = '{name}' WHERE id IN named".format(root=tmp_path),
    )
    before = files_of(tmp_path)
    ended = enter(capsys, *way, damaged, "--into", tmp_path / "new")
    assert files_of(tmp_path) == before
    assert ended.code == 1, ended.text
