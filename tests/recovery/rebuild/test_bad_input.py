"""What cannot be rebuilt from is said in a sentence, and the old collection stays as it is."""

import traceback
from datetime import UTC, datetime

import psycopg
import pytest

from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.sources.postgres_url import is_on_this_machine
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.sources.rows import metadata_of


@pytest.fixture
def untouched(table):
    """A table whose collection must be the same afterwards, with no other beside it."""
    table.rebuild()
    before = (table.collection(), table.records())
    yield table
    assert (table.collection(), table.records()) == before
    assert table.names() == ["docs"]


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ("drop table manual_content", Unavailable, "no such table"),
        ("alter table manual_content drop column content", Unavailable, "no column 'content'"),
        ("alter table manual_content rename content to contents", Unavailable, "mean 'contents'"),
        ("truncate manual_content", Refused, "no rows"),
        ("insert into manual_content values ('r1', 'again')", Refused, "more than once: r1"),
        ("update manual_content set content = null where id = 'r3'", Refused, "no content: r3"),
        ("update manual_content set id = null where id = 'r3'", Refused, "no id"),
        ("update manual_content set id = '' where id = 'r3'", Refused, "no id"),
        ("update manual_content set metadata = '[1]' where id = 'r3'", Refused, "'r3'.*no JSON"),
        (
            "update manual_content set metadata = '{\"n\": 9223372036854775808}' where id = 'r3'",
            Refused,
            "'r3'.*more than 64 bits",
        ),
        (
            "update manual_content set metadata = '{\"#n\": 1}' where id = 'r3'",
            Refused,
            "'r3'.*no metadata under the key '#n'",
        ),
    ],
)
def test_source_that_is_no_source_is_refused(untouched, change, error, sentence):
    untouched.sql(change)
    with pytest.raises(error, match=sentence):
        untouched.rebuild()


def test_row_that_is_not_utf8_is_named(database, untouched):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop database if exists bytes")
        connection.execute(
            "create database bytes encoding 'SQL_ASCII' locale 'C' template template0"
        )
    url = database.replace("/postgres?", "/bytes?")
    with psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection:
        connection.execute("create table manual_content (id text, content text, metadata jsonb)")
        connection.execute("insert into manual_content values ('fine', 'grüß', null)")
        connection.execute(
            "insert into manual_content values ('torn', convert_from('\\xe4f6', 'SQL_ASCII'), null)"
        )
    with (
        open_table(url, SourceTable()) as source,
        pytest.raises(Refused, match="row 'torn' is not"),
    ):
        list(source.rows())


def test_database_that_is_down_or_no_database_is_said(untouched):
    with pytest.raises(Unavailable, match=r"127.0.0.1/d does not answer") as down:
        open_table("postgresql://u:secret@127.0.0.1:9/d", SourceTable()).__enter__()
    assert "secret" not in str(down.value)
    with pytest.raises(UsageError, match="no PostgreSQL URL"):
        open_table("postgresql:/secret", SourceTable()).__enter__()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:geh/eim@127.0.0.1:9/docs",
        "postgresql://app:geh@eim@127.0.0.1:9/docs",
        "postgresql://app:geh?e@im@127.0.0.1:9/docs",
        "postgresql://app:6174/eim@127.0.0.1:9/docs",
        "postgresql://app:6174/eim@127.0.0.1:9/docs?connect_timeout=1",
        "postgresql://127.0.0.1:geheim/docs",
        "postgresql://app:geh%eim@127.0.0.1:9/docs",
        "host=127.0.0.1 password=geh eim",
    ],
)
def test_part_of_a_password_is_never_quoted(url):
    with pytest.raises(UsageError, match="no PostgreSQL URL") as refused:
        open_table(url, SourceTable()).__enter__()
    output = "".join(traceback.format_exception(refused.value))
    assert not any(part in output for part in ("geh", "eim", "6174"))
    assert "@ as %40" in refused.value.next_step


@pytest.mark.parametrize(
    ("url", "sentence", "way"),
    [
        ("postgresql://app:geheim@127.0.0.1:9/d?schema=public", "parameter schema, which is of Prisma",
         "[source] table"),
        ("postgresql://app:geheim@127.0.0.1:9/d?pgbouncer=true&connect_timeout=3",
         "parameter pgbouncer, which is of Prisma", "Leave it out"),
        ("postgresql://app:geheim@127.0.0.1:9/d?ssl=require", "parameter ssl, which is of SQLAlchemy",
         "Leave it out"),
        ("postgresql+psycopg://app:geheim@127.0.0.1:9/d", "begins with postgresql+psycopg://",
         "read postgresql://"),
        ("postgres+asyncpg://app:geh/eim@127.0.0.1:9/d", "begins with postgres+asyncpg://",
         "read postgresql://"),
        ("jdbc:postgresql://127.0.0.1:9/d?user=app&password=geheim", "begins with jdbc:postgresql://",
         "read postgresql://"),
        ("mysql://app:geheim@127.0.0.1:9/d", "no PostgreSQL URL", "postgresql://USER:PASSWORD@HOST"),
        ("postgresql://app:geheim@127.0.0.1:9/d?geheim=1", "no PostgreSQL URL", "USER:PASSWORD@HOST"),
    ],
)  # fmt: skip
def test_url_of_another_library_is_named_in_words(
    url, sentence, way, chroma_home, monkeypatch, capsys
):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SystemExit) as ended:
        cli.run(invoke, ["rebuild", "--from-postgresql", "--url", chroma_home.url])
    errors = capsys.readouterr().err
    assert (ended.value.code, sentence in errors, way in errors) == (64, True, True), errors
    assert "geh" not in errors
    assert "eim" not in errors


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:geh%2F%40eim@127.0.0.1:9/docs?options=-c%20a%3Db@c",
        "postgresql://app:geh?eim@127.0.0.1:9/docs",
        "postgresql://app@127.0.0.1:9,127.0.0.1:9/docs",
        "host=127.0.0.1 port=9 dbname=docs password=a/b@c",
    ],
)
def test_password_that_is_written_right_is_no_wrong_url(url):
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1/docs does not answer|127.0.0.1,127"):
        open_table(url, SourceTable()).__enter__()


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("postgresql:///d", True),
        ("postgresql://u:p@127.0.0.1:5432/d", True),
        ("postgresql://u@/d?host=/tmp/socket", True),
        ("postgresql://u@db.example/d", False),
        ("postgresql://localhost,db.example/d", False),
        ("postgresql://localhost/d?hostaddr=192.0.2.1", False),
        ("postgresql:///d?service=production", False),
    ],
)
def test_drill_writes_into_no_database_of_another_machine(url, is_here, monkeypatch):
    assert is_on_this_machine(url) is is_here
    monkeypatch.setenv("PGHOST", "db.example")
    assert is_on_this_machine(url) is ((is_here and "host=/" in url) or "127.0.0.1" in url)


def test_since_without_a_column_that_says_when_is_a_usage_error(untouched):
    with pytest.raises(UsageError, match="updated_at"):
        untouched.rebuild(
            mapping=SourceTable(updated_at=""), since=datetime(2026, 6, 1, tzinfo=UTC)
        )


def test_query_instead_of_a_table_and_other_columns(table):
    table.sql("update manual_content set content = null where id = 'r3'")
    mapping = SourceTable(
        sql="select id, content as body, metadata as m from manual_content where content is not null;",
        content="body",
        metadata="m",
        updated_at="",
    )
    assert table.rebuild(mapping=mapping).rows == 59
    assert table.records()["r4"][1] == {"n": 4, "f": 2.0, "b": True}


def test_metadata_keep_their_types_and_what_has_none_becomes_text():
    metadata = metadata_of(
        "r", {"n": None, "e": [], "l": [1, 2.5], "o": {"b": 1, "a": "ü"}, "m": [1, "x"], "z": -0.0}
    )
    assert metadata == {"l": [1.0, 2.5], "o": '{"a":"ü","b":1}', "m": '[1,"x"]', "z": 0.0}
    assert [type(item) for item in metadata["l"]] == [float, float]
    assert metadata_of("r", {}) is None
