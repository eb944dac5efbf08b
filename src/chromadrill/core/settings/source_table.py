"""`[source]` and `[source.NAME]`: what a collection is rebuilt from."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import ConfigDict, Field, SecretStr

from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.settings.table import Table

Scalar = bool | int | float | datetime | date | str
Parameter = Scalar | list[Scalar]


class SourceTable(Table):
    """`[source.NAME]`: a table or query of documents, which columns are what, and the collection.

    A column named "" is one that the table does not have. `parameters`: values of the `%(name)s` in
    `sql`, bound by PostgreSQL. `split`: "package.module:function", which makes records of a row.
    """

    table: str = Field("manual_content", min_length=1)
    sql: str = ""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    split: str = Field("", pattern=r"^([\w.]+:\w+)?$")
    id: str = Field("id", min_length=1)
    content: str = Field("content", min_length=1)
    metadata: str = "metadata"
    updated_at: str = "updated_at"
    batch: int = Field(500, ge=1, le=10_000)
    collection: str = "bmad_embeddings"
    space: str = Field("cosine", pattern="^(cosine|l2|ip)$")


class Source(SourceTable):
    """`[source]`: the default source, and further ones by name. `database_url`: DATABASE_URL alone.

    `postgres_image`: a drill starts it where there is no DATABASE_URL and no embedded server.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, SourceTable]
    database_url: SecretStr | None = None
    postgres_image: str = Field("postgres:17-alpine", min_length=1)

    def table_named(self, name: str) -> SourceTable:
        """`[source.NAME]`; `[source]` itself where that is its table. Raises UsageError."""
        table = (self.__pydantic_extra__ or {}).get(name)
        ours = {self.table, self.table.rpartition(".")[2]}  # with and without its schema
        if table is None and name not in ours:
            known = [*ours, *(self.__pydantic_extra__ or {})]
            raise UsageError(f"--source {name}: no [source.{name}]. {did_you_mean(name, known)}")
        return table or self
