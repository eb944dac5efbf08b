"""The drill's documents in PostgreSQL: in a schema of the run's own, which goes with it."""

import psycopg

from chromadrill.core.settings import SourceTable
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.targets.safety.leftovers import new_run
from chromadrill.workload.data.labelled_questions import (
    Library,
    create_source_schema,
    drop_source_schema,
)
from chromadrill.workload.data.stdlib import Document

# not `library(5)`: that reads the whole standard library first
DOCUMENTS = tuple(
    Document(f"textwrap.fill:{line}", f"Fills paragraph {line}.", "textwrap", "function", line)
    for line in range(5)
)


def test_schema_named_after_the_run_is_read_and_then_gone(database):
    content, schema = Library(DOCUMENTS), f"drill_{new_run()}"
    with psycopg.connect(database) as connection:
        create_source_schema(connection, schema, content)
        with open_table(database, SourceTable(table=f"{schema}.manual_content")) as rows:
            assert rows.count() == 5
        drop_source_schema(connection, schema)

    with psycopg.connect(database) as connection:
        names = connection.execute("select schema_name from information_schema.schemata")
        assert schema not in [name for (name,) in names]
