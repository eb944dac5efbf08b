"""A PostgreSQL that a rebuild reads: what it does not show, and what is no text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chromadrill.core.model import Outcome
from chromadrill.disasters.incidents.incident import Incidents, Places
from chromadrill.disasters.incidents.lab import Lab

SOURCES = Incidents("A PostgreSQL that is the source of a rebuild")
REBUILD = "rebuild --from-postgresql --url {url} --scope {scope} --collection-name docs"
TABLE = """
DROP TABLE IF EXISTS manual_content;
CREATE TABLE manual_content (id text, content text, metadata jsonb, updated_at timestamptz);
INSERT INTO manual_content
    SELECT 'r' || n, 'document ' || n, jsonb_build_object('n', n), now()
    FROM generate_series(1, 20) AS n
"""


@contextmanager
def source(lab: Lab, change: str, role: str = "postgres") -> Iterator[Places]:
    """20 rows in a table, changed by `change`, and read as `role`; nothing is rebuilt yet."""
    import psycopg

    url = lab.postgresql()
    with lab.database() as (chroma, scope), psycopg.connect(url, autocommit=True) as connection:
        for statement in f"{TABLE};{change}".split(";"):
            connection.execute(statement.encode())
        lab.export("DATABASE_URL", url.replace("postgres:@", f"{role}:@"))
        yield {"url": chroma.url, "scope": str(scope)}
        connection.execute("DROP TABLE manual_content")


@SOURCES.add(
    "rows behind a policy",
    "databasus/databasus#737 Archmonger/django-dbbackup#496",
    "A role for backups sees half of the rows, and nothing says so: row-level security.",
    command=REBUILD,
    outcome=Outcome.UNKNOWN,
    message="row-level security policy",
    since="0.2.0",
)
def rows_behind_a_policy(lab: Lab) -> Iterator[Places]:
    """A policy shows 10 of 20 rows to the role that rebuilds."""
    change = """
    DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;
    GRANT SELECT ON manual_content TO reader;
    CREATE POLICY half ON manual_content USING ((metadata ->> 'n')::int <= 10);
    ALTER TABLE manual_content ENABLE ROW LEVEL SECURITY
    """
    with source(lab, change, role="reader") as places:
        yield places


@SOURCES.add(
    "bytes instead of text",
    "dCache/dcache#284 matrix-org/synapse#4475",
    "Documents came out as \\x42696e61...: the column held bytes.",
    command=REBUILD,
    message="is bytea, not text",
    since="0.2.0",
)
def bytes_instead_of_text(lab: Lab) -> Iterator[Places]:
    """The column of the documents is bytea."""
    change = """
    ALTER TABLE manual_content ALTER content TYPE bytea USING convert_to(content, 'UTF8')
    """
    with source(lab, change) as places:
        yield places
