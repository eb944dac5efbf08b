"""A new database of whatever can still be read of a damaged one.

In this order: the pages that their tree still reaches; pages that no tree reaches any more, where they
fit into what a table lacks; rows that a page holds and no longer counts, where an index names them; and
what indexes alone say. A page in the list of free ones is never read: what it holds was deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from chromadrill.chroma.remains.cells import Row
from chromadrill.chroma.remains.index_rows import add_rows_of_indexes
from chromadrill.chroma.remains.page_file import PageFile
from chromadrill.chroma.remains.tables import (
    REAL_COLUMNS,
    Index,
    Table,
    indexes_of,
    known_tables,
    tables_of,
)
from chromadrill.chroma.remains.trees import (
    HIGHEST,
    LOWEST,
    Gap,
    PageMarks,
    TableTree,
    leaf_rows,
)

_ROWS = 2000  # written together
_SCHEMA = Table(
    "sqlite_schema", ("type", "name", "tbl_name", "rootpage", "sql"), ("t",) * 3 + ("ni", "nt")
)


@dataclass(slots=True)
class TableRemains:
    """What was read of one table. `from_lost_pages`, `from_indexes`: rows by the other ways.

    `has_gaps`: its tree did not lead to all of its rows. `is_rootless`: nothing says where that begins.
    """

    name: str
    rows: int = 0
    damaged_pages: int = 0
    has_gaps: bool = False
    is_rootless: bool = False
    from_lost_pages: int = 0
    from_hidden_cells: int = 0
    from_indexes: int = 0


@dataclass(slots=True)
class DatabaseRemains:
    """What was read of a database. `pages` of the file; `lost_pages` fit into no table."""

    pages: int
    tables: dict[str, TableRemains] = field(default_factory=dict)
    lost_pages: int = 0
    has_schema: bool = True

    @property
    def damaged_pages(self) -> int:
        return sum(table.damaged_pages for table in self.tables.values())


@dataclass(slots=True)
class _Schema:
    """What the file says of itself: the SQL and root page of each table and index.

    `named`: tables that some row names. `has_gaps`: rows of the schema are lost.
    """

    sql: dict[str, str] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    has_gaps: bool = False
    index_sql: dict[str, dict[str, str]] = field(default_factory=dict)
    roots: dict[str, int] = field(default_factory=dict)


def recover(file: Path, into: Path) -> DatabaseRemains:
    """Write the rows that `file` still holds into a new database `into`; `file` is only read.

    Memory holds a byte for each page, and one page of rows. Raises OSError.
    """
    with PageFile(file) as pages, closing(sqlite3.connect(into, isolation_level=None)) as new:
        new.execute("PRAGMA journal_mode=OFF")
        new.execute("PRAGMA synchronous=OFF")
        return _Recovery(pages, new).run()


class _Recovery:
    def __init__(self, pages: PageFile, new: sqlite3.Connection) -> None:
        self.pages, self.new = pages, new
        self.seen = PageMarks(bytearray(pages.pages + 1))
        self.remains = DatabaseRemains(pages.pages)
        self.trees: dict[str, TableTree] = {}

    def run(self) -> DatabaseRemains:
        schema = self.read_schema()
        tables, memory = tables_of(schema.sql) if schema.sql else (known_tables(), None)
        for table in tables.values():
            self.create(table)
            self.read_table(table, schema)
        indexes = {
            name: indexes_of(memory, schema.index_sql.get(name, {}), schema.roots, table)
            for name, table in tables.items()
            if memory is not None
        }
        self.mark_indexes(indexes)
        self.mark_others(schema)
        self.read_lost_pages(tables)
        self.index()
        for name, own in indexes.items():
            self.read_indexes(tables[name], own)
        return self.remains

    # ---- the schema ---------------------------------------------------------------------------------
    def read_schema(self) -> _Schema:
        schema = _Schema()
        tree = TableTree(self.pages, 1, _SCHEMA.is_row, self.seen)
        for _, (kind, name, table, root, sql) in tree.rows():
            schema.named |= {name, table}
            if kind == "table" and sql:
                schema.sql[name] = sql
            elif kind == "index" and sql:
                schema.index_sql.setdefault(table, {})[name] = sql
            if isinstance(root, int) and 1 < root <= self.pages.pages:
                schema.roots[name] = root
        self.remains.has_schema = bool(schema.sql)
        schema.has_gaps = bool(tree.gaps)
        return schema

    def create(self, table: Table) -> None:
        kinds = dict(zip(table.columns, table.kinds, strict=True))
        columns = ", ".join(
            f'"{column}" INTEGER PRIMARY KEY'
            if column == table.rowid_column
            else f'"{column}" REAL'
            if column in REAL_COLUMNS
            # two columns of whole numbers are joined by an index only where both are called so
            else f'"{column}" INTEGER'
            if kinds.get(column) in ("i", "ni")
            else f'"{column}"'
            for column in (*table.columns, *table.lost)
        )
        self.new.execute(f'CREATE TABLE "{table.name}" ({columns})')
        self.remains.tables[table.name] = TableRemains(table.name)

    # ---- the ways -----------------------------------------------------------------------------------
    def read_table(self, table: Table, schema: _Schema) -> None:
        remains, root = self.remains.tables[table.name], schema.roots.get(table.name)
        if root is None:
            is_known = self.remains.has_schema and not schema.has_gaps
            if is_known and table.name not in schema.named:  # the file never had this table
                return
            tree = self.trees[table.name] = TableTree(self.pages, 0, table.is_row, self.seen)
            tree.gaps.append(Gap(LOWEST, HIGHEST))
            remains.is_rootless = True
        else:
            tree = self.trees[table.name] = TableTree(self.pages, root, table.is_row, self.seen)
            remains.rows += self.write(table, tree.rows())
            remains.damaged_pages = len(tree.damaged)
        remains.has_gaps = bool(tree.gaps)

    def mark_indexes(self, indexes: dict[str, list[Index]]) -> None:
        """Indexes begin at their roots: those pages are no lost rows."""
        for own in indexes.values():
            self.seen.add(*(index.root for index in own))

    def mark_others(self, schema: _Schema) -> None:
        """The rows of tables that nobody asks for (the full-text index) are no lost rows of others."""
        for name in schema.sql.keys() - self.trees.keys():
            tree = TableTree(self.pages, schema.roots.get(name, 0), lambda row: True, self.seen)
            for _ in tree.rows():
                pass

    def read_lost_pages(self, tables: dict[str, Table]) -> None:
        incomplete = {name: tree for name, tree in self.trees.items() if tree.gaps}
        free = self.pages.free_pages() if incomplete else set()
        if free is None:  # then a page that nothing reaches may as well have been deleted
            return
        for number in range(1, self.pages.pages + 1) if incomplete else ():
            if number in self.seen or number in free:
                continue
            cells = leaf_rows(self.pages, number)
            if cells is None:
                continue
            rows = [(cell.rowid, cell.row) for cell in cells if cell.row is not None]
            owners = [
                name
                for name, tree in incomplete.items()
                if _fits(rows, tree) and _is_likely(name, rows)
            ]
            if len(owners) > 1:  # columns that were added later lack in few tables
                owners = [name for name in owners if _are_whole(rows, tables[name])] or owners
            if len(owners) != 1:
                self.remains.lost_pages += 1
                continue
            (name,) = owners
            self.seen.add(number, *(page for cell in cells for page in cell.overflow))
            written = self.write(tables[name], rows)
            self.remains.tables[name].from_lost_pages += written
            self.remains.tables[name].rows += written

    def read_indexes(self, table: Table, indexes: list[Index]) -> None:
        tree, remains = self.trees.get(table.name), self.remains.tables[table.name]
        if tree is None or not indexes:
            return
        hidden, partial = add_rows_of_indexes(self.new, self.pages, table, tree, indexes, self.seen)
        remains.from_hidden_cells, remains.from_indexes = hidden, partial
        remains.rows += hidden + partial

    def write(self, table: Table, rows: Iterable[tuple[int, Row]]) -> int:
        marks = ", ".join("?" * (len(table.columns) + 1))
        names = ", ".join(f'"{column}"' for column in table.columns)
        before = self.new.total_changes
        self.new.execute("BEGIN")
        full = _full_rows(table, rows)
        while part := list(islice(full, _ROWS)):
            sql = f'INSERT OR IGNORE INTO "{table.name}" (rowid, {names}) VALUES ({marks})'
            self.new.executemany(sql, part)
        self.new.execute("COMMIT")
        return self.new.total_changes - before

    def index(self) -> None:
        """Make the indexes that readers of a store rely on."""
        self.new.execute("CREATE INDEX of_embeddings ON embeddings (segment_id, embedding_id)")
        self.new.execute("CREATE INDEX of_metadata ON embedding_metadata (id, key)")
        self.new.execute("CREATE INDEX of_lists ON embedding_metadata_array (id, key)")


def _full_rows(table: Table, rows: Iterable[tuple[int, Row]]) -> Iterator[Row]:
    """Rows with their number in front, and null for columns that were added later."""
    width, place = len(table.columns), None
    if table.rowid_column in table.columns:
        place = table.columns.index(table.rowid_column or "")
    for rowid, row in rows:
        values = list(row) + [None] * (width - len(row))
        if place is not None:
            values[place] = rowid
        yield (rowid, *values)


def _fits(rows: list[tuple[int, Row]], tree: TableTree) -> bool:
    """Whether all rows are of this table's shape, and all of them within one of its gaps."""
    if not all(tree.is_row(row) for _, row in rows):
        return False
    first, last = rows[0][0], rows[-1][0]
    return any(gap.low < first and last <= gap.high for gap in tree.gaps)


def _are_whole(rows: list[tuple[int, Row]], table: Table) -> bool:
    return all(len(row) == len(table.columns) for _, row in rows)


def _is_likely(name: str, rows: list[tuple[int, Row]]) -> bool:
    """Lists and single values have rows of one shape: a list's key comes more than once."""
    if name not in ("embedding_metadata", "embedding_metadata_array"):
        return True
    keys = [row[:2] for _, row in rows]
    is_list = len(set(keys)) < len(keys)
    has_document = any(key == "chroma:document" for _, key in keys)
    return not is_list if name == "embedding_metadata" else not has_document
