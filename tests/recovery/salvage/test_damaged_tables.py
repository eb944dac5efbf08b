"""Rows of the database that are damaged or lost cost what stood in them, and nothing beside it."""

import sqlite3
from contextlib import closing

import pytest

from chromadrill.recovery.salvage.bring_back import look_at
from tests.recovery.salvage.conftest import RECORDS

NO_TEXT = "CAST(x'646f63ff' AS TEXT)"  # no UTF-8


def change(data, sql):
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        assert database.execute(sql).rowcount == 1
        assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE embedding_metadata SET string_value = {NO_TEXT}"
        " WHERE id = 700 AND key = 'chroma:document'",
        f"UPDATE embedding_fulltext_search_content SET c0 = {NO_TEXT} WHERE id = 700",
        "UPDATE embedding_metadata SET int_value = x'00' WHERE id = 700 AND key = 'n'",
    ],
    ids=["a document", "its second copy", "a number"],
)
def test_a_value_that_is_no_text_costs_itself_alone(damaged, sql):
    change(damaged, sql)
    findings = look_at(damaged).findings
    (docs,) = findings.collections
    assert (docs.taken, docs.documents) == (RECORDS, RECORDS)
    assert not findings.is_whole
