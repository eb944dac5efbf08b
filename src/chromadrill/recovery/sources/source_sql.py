"""The SQL that reads a source: the table or query of `[source]`, and which columns are what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql


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

        self._source = (
            sql.SQL("({}) as source").format(sql.SQL(_literal(mapping.sql.rstrip("; \n"))))
            if mapping.sql
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

    def columns(self, names: Sequence[str]) -> sql.Composed:
        """The query that shows the types of these columns, and reads no row."""
        from psycopg import sql

        listed = sql.SQL(", ").join(sql.Identifier(name) for name in names)
        return sql.SQL("select {} from {} limit 0").format(listed, self._source)

    @property
    def source_name(self) -> str:
        """The table's name, quoted as SQL needs it."""
        return self._source.as_string()


def _literal(text: str) -> LiteralString:
    """The query of the settings: its owner's words, in a transaction that only reads."""
    return text  # type: ignore[return-value,unused-ignore]
