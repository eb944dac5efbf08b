"""Rows that only the indexes of a table still know.

An index entry names a row by number, with the columns of the index. Where the table lacks that row, a
page may still hold it uncounted: it is taken if it says what the index says. Else the row is put
together from the indexes' columns; what is in no index is null.
"""

from __future__ import annotations

import sqlite3

from chromadrill.chroma.remains.cells import Row
from chromadrill.chroma.remains.page_file import PageFile
from chromadrill.chroma.remains.tables import Index, Table
from chromadrill.chroma.remains.trees import PageMarks, TableTree, index_entries

_ROWS = 2000


def add_rows_of_indexes(
    new: sqlite3.Connection,
    pages: PageFile,
    table: Table,
    tree: TableTree,
    indexes: list[Index],
    seen: PageMarks,
) -> tuple[int, int]:
    """Add to `new` the rows that indexes name and the table lacks; returns (hidden, put together)."""
    known = [index for index in indexes if set(index.columns) <= set(table.columns)]
    entries = _collect(new, pages, table, known, seen)
    if not entries:
        return 0, 0
    wanted = {rowid for (rowid,) in new.execute("SELECT DISTINCT rowid_ FROM missing")}
    hidden = _add_hidden(new, table, tree, wanted)
    partial = _add_partial(new, table, known)
    new.execute("DROP TABLE missing")
    return hidden, partial


def _collect(
    new: sqlite3.Connection, pages: PageFile, table: Table, indexes: list[Index], seen: PageMarks
) -> int:
    """Put into `missing` the entries whose row the table lacks; returns how many there are."""
    columns = ", ".join(f'"{column}"' for column in table.columns)
    new.execute(f"CREATE TEMP TABLE missing (rowid_ INTEGER, {columns})")
    known = f'SELECT 1 FROM "{table.name}" WHERE rowid = ?'
    count = 0
    new.execute("BEGIN")
    for index in indexes:
        seen.discard(index.root)
        names = ", ".join(f'"{column}"' for column in index.columns)
        marks = ", ".join("?" * (len(index.columns) + 1))
        sql = f"INSERT INTO missing (rowid_, {names}) VALUES ({marks})"
        for rowid, values in index_entries(pages, index.root, len(index.columns), seen):
            if new.execute(known, (rowid,)).fetchone() is None and _fits(table, index, values):
                new.execute(sql, (rowid, *values))
                count += 1
    new.execute("COMMIT")
    if not count:
        new.execute("DROP TABLE missing")
    return count


def _fits(table: Table, index: Index, values: Row) -> bool:
    places = [table.columns.index(column) for column in index.columns]
    return all(table.may_hold(place, value) for place, value in zip(places, values, strict=True))


def _add_hidden(new: sqlite3.Connection, table: Table, tree: TableTree, wanted: set[int]) -> int:
    names = ", ".join(f'"{column}"' for column in table.columns)
    marks = ", ".join("?" * (len(table.columns) + 1))
    added = 0
    for rowid, row in tree.hidden_rows(wanted):
        values = [*row, *[None] * (len(table.columns) - len(row))]
        if table.rowid_column in table.columns:
            values[table.columns.index(table.rowid_column or "")] = rowid
        if not _agrees(new, table, rowid, values) or _is_double(new, table, values):
            continue
        sql = f'INSERT OR IGNORE INTO "{table.name}" (rowid, {names}) VALUES ({marks})'
        if new.execute(sql, (rowid, *values)).rowcount == 1:
            new.execute("DELETE FROM missing WHERE rowid_ = ?", (rowid,))
            added += 1
    return added


def _agrees(new: sqlite3.Connection, table: Table, rowid: int, values: list[object]) -> bool:
    """Whether every index that names the row says of it what the row says."""
    for entry in new.execute("SELECT * FROM missing WHERE rowid_ = ?", (rowid,)):
        for column, said, held in zip(table.columns, entry[1:], values, strict=True):
            if said is not None and column != table.rowid_column and said != held:
                return False
    return True


def _add_partial(new: sqlite3.Connection, table: Table, indexes: list[Index]) -> int:
    """Put rows together of what the indexes say; rows of which two indexes disagree are left out."""
    columns = [column for column in table.columns if column != table.rowid_column]
    ends = ", ".join(f'max("{c}"), count(DISTINCT "{c}")' for c in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * (len(columns) + 1))
    needed = next((index.columns for index in indexes if index.is_unique), ())
    added = 0
    for rowid, *facts in new.execute(
        f"SELECT rowid_, {ends} FROM missing GROUP BY rowid_"
    ).fetchall():
        if any(count > 1 for count in facts[1::2]):
            continue
        values = dict(zip(columns, facts[::2], strict=True))
        is_named = all(values.get(column) is not None for column in needed)
        row = [values.get(column) for column in table.columns]
        if not needed or not is_named or _is_double(new, table, row):
            continue
        sql = f'INSERT OR IGNORE INTO "{table.name}" (rowid, {names}) VALUES ({marks})'
        added += new.execute(sql, (rowid, *values.values())).rowcount
    return added


_KEYS = {
    "embeddings": ("segment_id", "embedding_id"),
    "embedding_metadata": ("id", "key"),
    "collections": ("id",),
    "segments": ("id",),
    "databases": ("id",),
    "tenants": ("id",),
    "max_seq_id": ("segment_id",),
}


def _is_double(new: sqlite3.Connection, table: Table, values: list[object]) -> bool:
    """Whether the table already has a row of this key: an entry with a wrong number names it again."""
    key = _KEYS.get(table.name)
    if key is None or not set(key) <= set(table.columns):
        return False
    held = [values[table.columns.index(column)] for column in key]
    where = " AND ".join(f'"{column}" = ?' for column in key)
    sql = f'SELECT 1 FROM "{table.name}" WHERE {where}'
    return new.execute(sql, held).fetchone() is not None
