"""Sources of every shape: queries with parameters, partitioned tables, views, uuid keys, odd JSON."""

import uuid

import psycopg
import pytest

from chromadrill.core import settings
from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.sources.postgresql import open_table
from fixtures.postgres import source_of_drill
from tests.recovery.rebuild.conftest import ROWS, assert_passed

BY_TENANT = """
select id, content, metadata from manual_content
where (metadata ->> 'n')::int >= %(least)s and content like '%%document%%' and id <> all(%(not)s)
"""


def test_parameters_of_a_query_are_bound_and_never_written_into_it(table):
    mapping = SourceTable(sql=BY_TENANT, parameters={"least": 50, "not": ["r55", "x'); drop"]})
    result = table.rebuild(mapping=mapping)

    assert_passed(result)
    assert sorted(table.records()) == [i for i, _, m in sorted(ROWS) if m["n"] >= 50 and i != "r55"]


def test_value_of_a_parameter_cannot_end_the_query(table):
    sql = "select id, content, metadata from manual_content where id = %(id)s"
    mapping = SourceTable(sql=sql, parameters={"id": "r1' or 'a' = 'a"})
    with pytest.raises(Refused, match="no rows"):
        table.rebuild(mapping=mapping)


def test_query_without_parameters_keeps_its_percent_signs(table):
    sql = "select id, content, metadata from manual_content where content like 'document 1%'"
    assert_passed(table.rebuild(mapping=SourceTable(sql=sql)))


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("select %(tenant)s", {}, r"parameter %\(tenant\)s, and there is no value"),
        ("select %(tenant)s", {"tennant": 1}, "Did you mean 'tennant'"),
        ("select %(a)s", {"a": 1, "b": 2}, r"has no %\(b\)s"),
        ("select %(a)s like '10%'", {"a": 1}, "write any other % as %%"),
    ],
)
def test_parameter_that_does_not_fit_the_query_is_a_usage_error(table, sql, parameters, message):
    with pytest.raises(UsageError, match=message) as refusal:
        table.rebuild(mapping=SourceTable(sql=sql, parameters=parameters))
    del refusal
    assert table.names() == []


def test_parameters_without_a_query_are_told(table):
    with open_table(table.url, SourceTable(parameters={"tenant": "a"})) as source:
        assert "[source.parameters] are for [source] sql; there is none." in source.notes[0]


def test_source_of_a_drill_is_its_own_whatever_the_settings_say(table, tmp_path):
    file = tmp_path / "drill.toml"
    file.write_text(
        """
[source]
sql = "select %(a)s from mine"
split = "no.such:module"
id = "key"
content = "body"
metadata = ""
updated_at = ""
space = "l2"
parameters = { a = 1 }
"""
    )
    known = settings.load(file, environ=source_of_drill("public"))
    with open_table(table.url, known.source) as source:
        assert source.count() == 60
    assert known.source.space == "cosine"


@pytest.mark.slow
def test_partitioned_table_is_read_whole(table):
    table.sql("drop table manual_content")
    table.sql(
        "create table manual_content (id int, content text, metadata jsonb) partition by range (id)"
    )
    for start in (0, 20, 40):
        table.sql(
            f"create table part_{start} partition of manual_content"
            f" for values from ({start}) to ({start + 20})"
        )
    table.sql(
        "insert into manual_content select n, 'text ' || n, null from generate_series(0, 59) n"
    )
    mapping = SourceTable(batch=25, updated_at="")
    result = table.rebuild(mapping=mapping)

    assert_passed(result)
    assert set(table.records()) == {str(n) for n in range(60)}

    table.sql("alter table part_20 set unlogged")
    with open_table(table.url, mapping) as source:
        (note,) = source.notes
        assert "part_20 is an unlogged table" in note
    table.sql("create or replace view one_part as select * from part_20")
    with open_table(table.url, SourceTable(table="one_part", updated_at="")) as source:
        assert any("part_20 is one partition of manual_content" in note for note in source.notes)
    table.sql("drop view one_part")


def test_view_is_a_source(table):
    table.sql(
        "create or replace view bench_view as select id, content, metadata from manual_content"
        " where (metadata ->> 'n')::int < 30"
    )
    try:
        assert_passed(table.rebuild(mapping=SourceTable(table="bench_view")))
    finally:
        table.sql("drop view bench_view")
    assert len(table.records()) == 30


@pytest.mark.slow
def test_uuid_keys_are_ids_as_text(table):
    table.sql("drop table manual_content")
    table.sql("create table manual_content (id uuid primary key, content text, metadata jsonb)")
    keys = [uuid.uuid5(uuid.NAMESPACE_URL, str(n)) for n in range(30)]
    for key in keys:
        table.sql("insert into manual_content values (%s, %s, null)", [key, f"text of {key}"])
    result = table.rebuild(mapping=SourceTable(batch=7))

    assert_passed(result)
    assert set(table.records()) == {str(key) for key in keys}
    assert table.rebuild(mapping=SourceTable(batch=7)).embedded == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ({}, None),
        ({"a": {"b": [1, {"c": None}]}}, {"a": '{"b":[1,{"c":null}]}'}),
        ({"a": [[1], [2]], "b": [1, "x"]}, {"a": "[[1],[2]]", "b": '[1,"x"]'}),
        ({"a": None, "b": [], "c": [1, 2.5]}, {"c": [1.0, 2.5]}),
        ({"ключ": "значение"}, {"ключ": "значение"}),
    ],
    ids=range(6),
)
def test_json_objects_of_any_shape(table, value, wanted):
    table.sql(
        "update manual_content set metadata = %s where id = 'r1'", [psycopg.types.json.Jsonb(value)]
    )
    assert_passed(table.rebuild())
    assert table.records()["r1"][1] == wanted


@pytest.mark.parametrize("value", [["a", "b"], "text", 7, True], ids=str)
def test_json_that_is_no_object_is_a_sentence_that_says_how_it_is_read(table, value):
    table.sql(
        "update manual_content set metadata = %s where id = 'r1'", [psycopg.types.json.Jsonb(value)]
    )
    with pytest.raises(Refused, match="row 'r1': metadata is no JSON object") as refusal:
        table.rebuild()
    assert "jsonb_build_object('metadata', metadata) as metadata" in refusal.value.next_step

    sql = "select id, content, jsonb_build_object('metadata', metadata) as metadata from manual_content"
    assert_passed(table.rebuild(mapping=SourceTable(sql=sql)))
    assert table.records()["r1"][1] == {"metadata": value}


def test_column_that_is_no_json_is_a_sentence_that_says_how_it_is_read(table):
    table.sql("alter table manual_content add column tags text[] default '{a,b}'")
    with pytest.raises(
        Refused, match=r"'tags' \(\[source\] metadata\) is text\[\], not JSON"
    ) as refusal:
        table.rebuild(mapping=SourceTable(metadata="tags"))
    assert "jsonb_build_object('tags', tags) as tags" in refusal.value.next_step
