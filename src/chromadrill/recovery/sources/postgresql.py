"""A table of documents in PostgreSQL, read in one transaction that sees one state throughout.

Repeatable read: rows that change while a rebuild runs are seen as they were at its start, so none
is half in. Read only. A server-side cursor keeps memory flat.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

from chromadrill.core.errors import Refused, Unavailable, UsageError, did_you_mean
from chromadrill.core.urls import is_loopback
from chromadrill.recovery.sources.rows import Row, metadata_of

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

CONNECT_S = 10
SHOWN = 10  # ids in a sentence


class Mapping(Protocol):
    """Of `[source]`: the table or query, and which columns are what ("" for one that is not there)."""

    @property
    def table(self) -> str: ...
    @property
    def sql(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def metadata(self) -> str: ...
    @property
    def updated_at(self) -> str: ...
    @property
    def batch(self) -> int: ...


@contextmanager
def open_table(
    url: str, mapping: Mapping, *, since: datetime | None = None
) -> Iterator[PostgresTable]:
    """The table, checked: it is there, its columns are, no id or content is null, no id comes twice.

    Raises Unavailable where the database, table or column cannot be had, Refused for rows that no
    collection can be made of, UsageError for an URL that is none.
    """
    psycopg = driver()
    where = _where(url)
    try:
        connection = psycopg.connect(
            url,
            connect_timeout=CONNECT_S,
            client_encoding="utf8",
            application_name="chromadrill",
            keepalives_idle=30,
        )
    except psycopg.Error as error:
        raise Unavailable(
            f"PostgreSQL {where} does not answer: {_first(error)}.",
            next_step="Check DATABASE_URL and the server: psql $DATABASE_URL -c 'select 1'",
        ) from error
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # an hour of embedding lies between two reads: the server's limit for idle ones would end it
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        connection.execute("set local timezone = 'UTC'")
        table = PostgresTable(connection, mapping, where, since)
        table.check()
        yield table
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL {where}: {_first(error)}.") from error
    finally:
        connection.close()


class PostgresTable:
    """The rows of one transaction (a `Source`)."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        mapping: Mapping,
        where: str,
        since: datetime | None,
    ) -> None:
        from psycopg import sql

        self.name = f"PostgreSQL {where}, {mapping.table if not mapping.sql else 'query'}"
        self._connection, self._mapping, self._since = connection, mapping, since
        self._from = (
            sql.SQL("({}) as source").format(sql.SQL(_literal(mapping.sql.rstrip("; \n"))))
            if mapping.sql
            else sql.Identifier(*mapping.table.split("."))
        )
        self._id = sql.SQL("{}::text").format(sql.Identifier(mapping.id))
        self._content = sql.Identifier(mapping.content)
        ascii_only = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        self._encoding = sql.Literal("SQL_ASCII" if ascii_only else "UTF8")

    def check(self) -> None:
        self._require_columns()
        null = self._scalars(
            "select count(*) filter (where {id} is null), count(*) filter (where {content} is null),"
            " count(*) filter (where {id} = '') from {source}"
        )
        if null[0] or null[2]:
            raise Refused(f"{self.name}: {null[0] + null[2]} rows have no id. Nothing was touched.")
        if null[1]:
            ids = self._ids("select {id_bytes} from {source} where {content} is null limit 11")
            raise Refused(
                f"{self.name}: {null[1]} rows have no content: {ids}. Nothing was touched.",
                next_step="Repair them, or leave them out with [source] sql.",
            )
        twice = self._ids(
            "select {id_bytes} from {source} group by {id} having count(*) > 1 limit 11"
        )
        if twice:
            raise Refused(
                f"{self.name}: ids that come more than once: {twice}. Nothing was touched.",
                next_step="Ids must be unique: repair the table, or name another [source] id.",
            )

    def count(self) -> int:
        return int(self._scalars("select count(*) from {source}")[0])

    def rows(self) -> Iterator[list[Row]]:
        # bytes: a database in SQL_ASCII may hold what is not UTF-8, and whoever lets server or
        # driver decode a batch cannot say which row it was
        query = self._sql(
            "select {id_bytes}, convert_to({content}::text, {encoding}),"
            " {bytes}, {changed} from {source}"
        )
        with self._connection.cursor("chromadrill", binary=True) as cursor:
            cursor.execute(query)
            while batch := cursor.fetchmany(self._mapping.batch):
                yield [self._row(*each) for each in batch]

    def holds(self, ids: Sequence[str]) -> set[str]:
        query = self._sql("select {id} from {source} where {id} = any({ids})", ids=list(ids))
        return {each for (each,) in self._connection.execute(query)}

    def _row(self, record: bytes, content: bytes, metadata: bytes | None, changed: bool) -> Row:
        name = record.decode("utf-8", "replace")
        try:
            return Row(
                record.decode(),
                content.decode(),
                metadata_of(name, json.loads(metadata.decode()) if metadata else None),
                changed,
            )
        except UnicodeDecodeError as error:
            raise Refused(
                f"{self.name}: row '{name}' is not clean UTF-8: {error.reason} at byte"
                f" {error.start}. Nothing was touched.",
                next_step="Repair the row, or leave it out with [source] sql.",
            ) from error
        except ValueError as error:
            raise Refused(f"{self.name}: row '{name}': metadata is no JSON: {error}.") from error
        except Refused as error:
            raise Refused(f"{self.name}: {error.what}", next_step=error.next_step) from error

    def _require_columns(self) -> None:
        mapping = self._mapping
        if not mapping.sql:
            found = self._scalars("select to_regclass({name})", name=self._from.as_string())[0]
            if found is None:
                known = self._connection.execute(
                    "select table_schema, table_name from information_schema.tables"
                    " where table_schema not in ('pg_catalog', 'information_schema')"
                )
                names = [t if s == "public" else f"{s}.{t}" for s, t in known]
                raise Unavailable(
                    f"{self.name}: no such table. {did_you_mean(mapping.table, names)}",
                    next_step="Name it in drill.toml: [source] table.",
                )
        there = self._connection.execute(self._sql("select * from {source} limit 0")).description
        columns = [each.name for each in there or ()]
        for key in ("id", "content", "metadata", "updated_at"):
            name = getattr(mapping, key)
            if name and name not in columns and (key != "updated_at" or self._since):
                raise Unavailable(
                    f"{self.name}: no column '{name}'. {did_you_mean(name, columns)}",
                    next_step=f"Name it in drill.toml: [source] {key}.",
                )
        if self._since and not mapping.updated_at:
            raise UsageError("--since needs a column that says when: [source] updated_at.")

    def _ids(self, query: LiteralString) -> str:
        found = [bytes(each).decode("utf-8", "replace") for each in self._column(query)]
        return ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")

    def _column(self, query: LiteralString) -> list[Any]:
        return [each for (each,) in self._connection.execute(self._sql(query))]

    def _scalars(self, query: LiteralString, **values: Any) -> tuple[Any, ...]:
        row = self._connection.execute(self._sql(query, **values)).fetchone()
        return tuple(row or ())

    def _sql(self, query: LiteralString, **values: Any) -> sql.Composed:
        from psycopg import sql

        mapping = self._mapping
        parts: dict[str, Any] = {
            "source": self._from,
            "id": self._id,
            "content": self._content,
            "encoding": self._encoding,
            "id_bytes": sql.SQL("convert_to({}, {})").format(self._id, self._encoding),
        }
        parts |= {
            key: sql.Identifier(name)
            for key in ("metadata", "updated_at")
            if (name := getattr(mapping, key))
        }
        parts["bytes"], parts["changed"] = sql.SQL("null::bytea"), sql.SQL("true")
        if mapping.metadata:
            parts["bytes"] = sql.SQL("convert_to({}::text, {})").format(
                parts["metadata"], self._encoding
            )
        if self._since:
            parts["changed"] = sql.SQL("coalesce({} >= {}, true)").format(
                parts["updated_at"], sql.Literal(self._since)
            )
        literals = {key: sql.Literal(each) for key, each in values.items()}
        return sql.SQL(query).format(**parts, **literals)


def is_on_this_machine(url: str) -> bool:
    """Whether it is a socket or a loopback address: a drill writes into no database elsewhere.

    Raises Unavailable without psycopg, UsageError for an URL that is none.
    """
    # what an URL leaves open, libpq takes from the environment
    parts = _parts(url)
    if parts.get("service") or os.environ.get("PGSERVICE"):
        return False
    hosts = [
        parts.get(key) or os.environ.get(variable, "")
        for key, variable in (("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"))
    ]
    return all(not host or host.startswith("/") or is_loopback(host) for host in hosts)


def driver() -> Any:
    """The package psycopg; raises Unavailable without it."""
    try:
        import psycopg
    except ImportError as error:
        raise Unavailable(
            "A rebuild from PostgreSQL needs the package psycopg.",
            next_step="pip install 'chromadrill[postgres]'",
        ) from error
    return psycopg


def _parts(url: str) -> dict[str, str]:
    """What libpq reads in it. Nothing of an URL that is none is quoted: it may be a password."""
    driver()
    from psycopg import ProgrammingError, conninfo

    try:
        parts = {key: str(each) for key, each in conninfo.conninfo_to_dict(url).items()}
    except ProgrammingError:
        parts = None
    # a bare / or @ in a password moves its rest into host, port or database, which are told
    if (
        parts is None
        or any("@" in parts.get(key, "")[1:] for key in ("host", "dbname"))
        or parts.get("port", "").strip("0123456789,")
    ):
        raise UsageError(
            "DATABASE_URL is no PostgreSQL URL.",
            next_step="It looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE; in USER and PASSWORD"
            " write @ as %40, / as %2F, ? as %3F, : as %3A, % as %25.",
        )
    return parts


def _where(url: str) -> str:
    """Host and database, without user and password."""
    parts = _parts(url)
    return f"{parts.get('host') or 'localhost'}/{parts.get('dbname') or parts.get('user') or ''}"


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _literal(text: str) -> LiteralString:
    """The query of the settings: its owner's words, in a transaction that only reads."""
    return text  # type: ignore[return-value,unused-ignore]
