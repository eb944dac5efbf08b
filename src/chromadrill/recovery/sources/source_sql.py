"""The SQL that reads a source: the table or query of `[source]`, and which columns are what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

from chromadrill.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql


_NAMED = re.compile(r"%\((\w+)\)s")
_NAMED_OR_PERCENT = re.compile(r"%%|%\((\w+)\)s|%")


class SourceMapping(Protocol):
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
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def split(self) -> str: ...


class SourceSql:
    """Fills in templates: `{source} {id} {content} {encoding} {id_bytes} {metadata_bytes} {changed}`.

    And `{key}`: the id in its own type, which an index finds; `{id}` is its text.
    `{changed}`: whether the row changed since `since`; true where no instant was given.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        mapping: SourceMapping,
        since: datetime | None,
    ) -> None:
        from psycopg import sql

        self._connection = connection
        query, self._parameters = bound(mapping.sql.rstrip("; \n"), mapping.parameters)
        self._source = (
            sql.SQL("({}) as source").format(sql.SQL(_literal(query)))
            if query
            else sql.Identifier(*mapping.table.split("."))
        )
        server_encoding = connection.info.parameter_status("server_encoding")
        encoding = sql.Literal("SQL_ASCII" if server_encoding == "SQL_ASCII" else "UTF8")
        id_text = sql.SQL("{}::text").format(sql.Identifier(mapping.id))
        self._parts: dict[str, sql.Composable] = {
            "source": self._source,
            "key": sql.Identifier(mapping.id),
            "id": id_text,
            "content": sql.Identifier(mapping.content),
            "encoding": encoding,
            "id_bytes": sql.SQL("convert_to({}, {})").format(id_text, encoding),
            "metadata_bytes": sql.SQL("null::bytea"),
            "changed": sql.SQL("true"),
        }
        if mapping.metadata:
            self._parts["metadata_bytes"] = sql.SQL("convert_to({}::text, {})").format(
                sql.Identifier(mapping.metadata), encoding
            )
        if since and mapping.updated_at:
            self._parts["changed"] = sql.SQL("coalesce({} >= {}, true)").format(
                sql.Identifier(mapping.updated_at), sql.Literal(since)
            )

    def __call__(self, template: LiteralString, **values: Any) -> sql.Composed:
        """The query, with `values` as literals."""
        from psycopg import sql

        literals = {key: sql.Literal(value) for key, value in values.items()}
        return sql.SQL(template).format(**self._parts, **literals)

    def execute(self, template: LiteralString, **values: Any) -> psycopg.Cursor[Any]:
        """Run a query. One that names the source gets the parameters of `[source.parameters]`."""
        query = self(template, **values)
        if "{source}" not in template:
            return self._connection.execute(query)
        return self._raw_cursor().execute(query, self._parameters or None)

    def batches(
        self, template: LiteralString, size: int, *, name: str
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query about the source, as bytes, by a server-side cursor of that name."""
        from psycopg import RawServerCursor

        with RawServerCursor(self._connection, name) as cursor:
            cursor.execute(self(template), self._parameters or None, binary=True)
            while batch := cursor.fetchmany(size):
                yield batch

    def columns(self, names: Sequence[str]) -> psycopg.Cursor[Any]:
        """A cursor that shows the types of these columns, and reads no row."""
        from psycopg import sql

        listed = sql.SQL(", ").join(sql.Identifier(name) for name in names)
        query = sql.SQL("select {} from {} limit 0").format(listed, self._source)
        return self._raw_cursor().execute(query, self._parameters or None)

    def _raw_cursor(self) -> psycopg.Cursor[Any]:
        # its placeholders are PostgreSQL's own: a % in an id or a pattern is no placeholder
        from psycopg import RawCursor

        return RawCursor(self._connection)

    @property
    def source_name(self) -> str:
        """The table's name, quoted as SQL needs it."""
        return self._source.as_string()


def bound(query: str, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """A query with `%(name)s` as PostgreSQL takes it, with $1, and the values in that order.

    A query without parameters is left as it is. Raises UsageError for a name without a value, a value
    that is not asked for, and a % that is neither a parameter nor doubled.
    """
    if not query:
        return "", []
    if not parameters:
        names = sorted({name for name in _NAMED.findall(query) if name})
        if names:
            raise UsageError(
                f"[source] sql has the parameter %({names[0]})s, and there is no value for it.",
                next_step=f"In drill.toml: [source.parameters] {names[0]} = VALUE",
            )
        return query, []
    numbers: dict[str, int] = {}

    def replaced(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1]
        if name is None:
            raise UsageError(
                f"[source] sql: '{query[found.start() : found.start() + 12]}' is no parameter.",
                next_step="A parameter is %(name)s. With parameters, write any other % as %%.",
            )
        if name not in parameters:
            raise UsageError(
                f"[source] sql has the parameter %({name})s, [source.parameters] has no such value."
                f" {did_you_mean(name, parameters)}"
            )
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    text = _NAMED_OR_PERCENT.sub(replaced, query)
    if unused := sorted(parameters.keys() - numbers.keys()):
        raise UsageError(
            f"[source.parameters] {unused[0]}: [source] sql has no %({unused[0]})s."
            f" {did_you_mean(unused[0], numbers)}"
        )
    return text, [parameters[name] for name in numbers]


def _literal(text: str) -> LiteralString:
    """The query of the settings: its owner's words, in a transaction that only reads."""
    return text  # type: ignore[return-value,unused-ignore]
