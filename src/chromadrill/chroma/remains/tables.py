"""The tables of Chroma's database: their columns, and which values a row of each can have.

Column names and kinds are those of Chroma 1.5.9; a row of an older release has fewer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chromadrill.chroma.remains.cells import Row

# n: null, i: integer, f: float, t: text, b: blob; a letter that is not there is no value of the column
_KINDS = {
    "migrations": "dir t, version i, filename t, sql t, hash t",
    "tenants": "id t",
    "databases": "id t, name t, tenant_id t",
    "collections": ("id t, name t, dimension ni, database_id t, config_json_str nt, schema_str nt"),
    "collection_metadata": (
        "collection_id nt, key t, str_value nt, int_value ni, float_value nfi, bool_value ni"
    ),
    "segments": "id t, type t, scope t, collection t",
    "segment_metadata": (
        "segment_id nt, key t, str_value nt, int_value ni, float_value nfi, bool_value ni"
    ),
    "embeddings": "id ni, segment_id t, embedding_id t, seq_id ib, created_at tifn",
    "embedding_metadata": (
        "id i, key t, string_value nt, int_value ni, float_value nfi, bool_value ni"
    ),
    "embedding_metadata_array": (
        "id i, key t, string_value nt, int_value ni, float_value nfi, bool_value ni"
    ),
    "embedding_fulltext_search_content": "id ni, c0 nt",
    "max_seq_id": "segment_id t, seq_id nib",
    "embeddings_queue": (
        "seq_id ni, created_at tifn, operation i, topic t, id t, vector nb, encoding nt, metadata nt"
    ),
    "embeddings_queue_config": "id ni, config_json_str nt",
}
ROWID_COLUMN = {
    "embeddings": "id",
    "embedding_fulltext_search_content": "id",
    "embeddings_queue": "seq_id",
    "embeddings_queue_config": "id",
}
# a whole number in a column of floats is kept as an integer, and read as a float
REAL_COLUMNS = ("float_value",)
_LETTERS = {type(None): "n", int: "i", float: "f", str: "t", bytes: "b"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file: its columns, and the letters of what each may hold ("" for anything).

    `lost`: columns that readers ask for and the file's table has not: null in each row.
    """

    name: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    lost: tuple[str, ...] = ()

    @property
    def rowid_column(self) -> str | None:
        """The column that is the row's number; the row itself holds null there."""
        return ROWID_COLUMN.get(self.name)

    def is_row(self, row: Row) -> bool:
        """Whether the values can be a row of this table. Columns that were added later may lack."""
        if not 2 * len(row) >= len(self.columns) >= len(row):
            return False
        return all(self.may_hold(place, value) for place, value in enumerate(row))

    def may_hold(self, place: int, value: object) -> bool:
        """Whether the column at `place` can hold the value."""
        return not self.kinds[place] or _LETTERS[type(value)] in self.kinds[place]


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the file: its root page, its table, its columns; whether its entries are unique."""

    name: str
    table: str
    root: int
    columns: tuple[str, ...]
    is_unique: bool


def known_tables() -> dict[str, Table]:
    """Return the tables as Chroma 1.5.9 makes them, by name."""
    return {name: _known(name) for name in _KINDS}


def tables_of(schema: Mapping[str, str]) -> tuple[dict[str, Table], sqlite3.Connection]:
    """Return the known tables, with Chroma's columns or those that `schema` (name -> SQL) gives them.

    The SQL of a damaged or hostile file runs in an empty database in memory that may do nothing but
    make tables and indexes. The connection knows their columns afterwards.
    """
    memory = sqlite3.connect(":memory:")
    memory.set_authorizer(_may)
    tables = known_tables()
    for name, sql in schema.items():
        if name not in tables:
            continue
        try:
            memory.execute(sql)
            columns = tuple(str(row[1]) for row in memory.execute(f"PRAGMA table_info({name})"))
        except sqlite3.Error:
            continue
        known = dict(zip(tables[name].columns, tables[name].kinds, strict=True))
        columns = tuple(_laid_out(columns, tuple(known), sql))
        kinds = tuple(known.get(column, "") for column in columns)
        lost = tuple(column for column in known if column not in columns)
        tables[name] = Table(name, columns, kinds, lost)
    return tables, memory


def indexes_of(
    memory: sqlite3.Connection, sql: Mapping[str, str], roots: Mapping[str, int], table: Table
) -> list[Index]:
    """Return the indexes of a table whose root pages are known. `sql`: of those not made with it."""
    for text in sql.values():
        try:
            memory.execute(text)
        except sqlite3.Error:
            continue
    indexes = []
    named = len(memory.execute(f"PRAGMA table_info({table.name})").fetchall())
    is_alike = named == len(table.columns)
    for _, name, unique, *_ in memory.execute(f"PRAGMA index_list({table.name})").fetchall():
        parts = [row[1:3] for row in memory.execute(f'PRAGMA index_info("{name}")')]
        if name in roots and all(isinstance(column, str) for _, column in parts):
            # by place where places are the table's: a name may have lost a letter
            columns = tuple(table.columns[place] if is_alike else column for place, column in parts)
            indexes.append(Index(name, table.name, roots[name], columns, bool(unique)))
    return indexes


def _laid_out(columns: Sequence[str], known: Sequence[str], sql: str) -> Sequence[str]:
    """The names of the columns in the order of a row's values; `columns`: as the SQL names them.

    Every release lays its columns out alike, and adds new ones behind them. So the places are Chroma's,
    and another name there is damage. The file is right where somebody has dropped a column: then the
    others have moved, and its name is not in the SQL any more.
    """
    names = [
        name.lower() if name.lower() in known
        else name if name.isidentifier()  # others would be words of our own SQL
        else f"column_{place}"
        for place, name in enumerate(columns)
    ]  # fmt: skip
    moves = [place - known.index(name) for place, name in enumerate(names) if name in known]
    missing = [name for name in known if name not in names]
    if min(moves, default=0) < 0 and not any(name in sql.lower() for name in missing):
        return names
    if any(moves):
        return known
    return (*known, *names[len(known) :])


def _known(name: str) -> Table:
    pairs = [pair.split() for pair in _KINDS[name].split(", ")]
    return Table(name, tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def _may(action: int, one: str | None, *_: str | None) -> int:
    if action in (sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_READ):
        return sqlite3.SQLITE_OK
    if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE):
        return sqlite3.SQLITE_OK if (one or "").startswith("sqlite_") else sqlite3.SQLITE_DENY
    if action in (sqlite3.SQLITE_REINDEX, sqlite3.SQLITE_TRANSACTION):
        return sqlite3.SQLITE_OK
    is_look = action == sqlite3.SQLITE_PRAGMA and one in ("table_info", "index_list", "index_info")
    return sqlite3.SQLITE_OK if is_look else sqlite3.SQLITE_DENY
