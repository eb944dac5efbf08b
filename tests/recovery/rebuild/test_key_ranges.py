"""Ranges of a source's keys: several readers read them, and all see one instant."""

import pickle

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.sources.key_ranges import SharedInstant
from chromadrill.recovery.sources.postgresql import open_table

TABLE = SourceTable(batch=25)


def shared(url, source, mapping=TABLE):
    instant = SharedInstant(url, mapping, source.export_snapshot())
    return pickle.loads(pickle.dumps(instant))  # as another process gets it


def test_ranges_are_all_rows_and_each_can_be_read_by_another(table):
    table.sql("alter table manual_content add primary key (id)")
    with open_table(table.url, TABLE) as source:
        everything = sorted((row for rows in source.rows() for row in rows), key=lambda r: r.id)
        ranges = list(source.ranges())
        assert source.has_ranges()
        assert [len(rows) for _, rows in ranges] == [25, 25, 10]
        assert [row for _, rows in ranges for row in rows] == everything
        with shared(table.url, source).open() as reader:
            assert [reader.rows_between(keys) for keys, _ in ranges] == [rows for _, rows in ranges]


def test_readers_see_the_instant_of_the_first_whatever_was_committed_since(table):
    with open_table(table.url, TABLE) as source:
        table.sql("update manual_content set content = 'changed since' where id = 'r7'")
        table.sql("delete from manual_content where id = 'r8'")
        table.sql("insert into manual_content values ('r77', 'new since', null)")
        with shared(table.url, source).open() as reader:
            for keys, rows in source.ranges():
                assert reader.rows_between(keys) == rows
                assert "changed since" not in {row.content for row in rows}


@pytest.mark.parametrize(
    ("type_name", "key"),
    [
        ("integer", "n * 7"),
        ("uuid", "md5(n::text)::uuid"),
        ("char(12)", "'k' || n"),
        ("timestamptz", "'2026-01-01'::timestamptz + n * interval '1 day'"),
        ("text", "'it''s \\ ' || n"),
    ],
)
def test_keys_of_any_type_are_read_by_their_index(table, type_name, key):
    table.sql("drop table if exists keyed")
    table.sql(f"create table keyed (id {type_name} primary key, content text)")
    table.sql(f"insert into keyed select {key}, 'text ' || n from generate_series(1, 60) n")
    mapping = SourceTable(table="keyed", metadata="", batch=25)
    with open_table(table.url, mapping) as source:
        ranges = list(source.ranges())
        assert source.has_ranges()
        with shared(table.url, source, mapping).open() as reader:
            assert [reader.rows_between(keys) for keys, _ in ranges] == [rows for _, rows in ranges]
    assert sum(len(rows) for _, rows in ranges) == 60


def test_without_an_index_there_are_no_ranges(table):
    with open_table(table.url, TABLE) as source:
        assert not source.has_ranges()
    table.sql("create index on manual_content (id)")
    with open_table(table.url, TABLE) as source:
        assert source.has_ranges()
    table.sql("truncate manual_content")
    with open_table(table.url, TABLE) as source:
        assert not source.has_ranges()


def test_instant_that_has_passed_is_a_sentence_without_the_password(table):
    with open_table(table.url, TABLE) as source:
        instant = shared(table.url + "&password=geheim", source)
        assert "geheim" not in repr(instant)
    with pytest.raises(Unavailable, match="snapshot") as error, instant.open():
        pass
    assert "geheim" not in str(error.value)
