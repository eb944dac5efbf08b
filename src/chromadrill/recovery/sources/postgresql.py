"""A table of documents in PostgreSQL, read in one transaction that sees one state throughout.

Repeatable read: rows that change while a rebuild runs are seen as they were at its start, so none
is half in. Read only. A server-side cursor keeps memory flat.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, LiteralString

from chromadrill.core.errors import Refused, Unavailable, UsageError, did_you_mean
from chromadrill.core.plural import plural
from chromadrill.recovery.sources.postgres_url import host_and_database, require_psycopg
from chromadrill.recovery.sources.record_ids import SUMS, RecordIds, content_sum, having
from chromadrill.recovery.sources.rows import KeyRange, Row, metadata_of
from chromadrill.recovery.sources.source_sql import SourceMapping, SourceSql
from chromadrill.recovery.sources.split import Split, load_split
from chromadrill.recovery.sources.whole_source import (
    mapped_columns,
    notes,
    refuse_hidden_rows,
    refuse_other_than_text,
    refuse_standby,
    require_readable,
)

if TYPE_CHECKING:
    import psycopg

CONNECT_S = 10
LOCK_S = 60  # a table that somebody holds for longer is not waited for
SHOWN = 10  # ids in a sentence
# bytes: a database in SQL_ASCII may hold what is not UTF-8, and whoever lets server or driver decode
# a batch cannot say which row it was
ROWS: LiteralString = (
    "select {id_bytes}, convert_to({content}::text, {encoding}),"
    " {metadata_bytes}, {changed} from {source}"
)
# literals have no type of their own: the column's index is used, whatever its type is
RANGE: LiteralString = f"{ROWS} where {{key}} >= {{first}} and {{key}} <= {{last}} order by {{key}}"


@contextmanager
def open_table(
    url: str,
    mapping: SourceMapping,
    *,
    since: datetime | None = None,
    snapshot: str | None = None,
    is_checked: bool = True,
) -> Iterator[PostgresTable]:
    """The table, checked: it is there, its columns are, no id or content is null, no id comes twice.

    `snapshot`: the instant that another transaction has exported, which has checked the table.
    `is_checked` False: for looking at its size, which needs no whole table.

    Raises Unavailable where the database, table, column or a row cannot be had, Refused for rows
    that no collection can be made of, UsageError for a URL that is none.
    """
    psycopg = require_psycopg()
    place = host_and_database(url)
    split = load_split(mapping.split) if mapping.split else None
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
            f"PostgreSQL {place} does not answer: {_first_line(error)}.",
            next_step="Check DATABASE_URL and the server: psql $DATABASE_URL -c 'select 1'",
        ) from error
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        if snapshot:  # before any query of this transaction
            connection.execute(
                psycopg.sql.SQL("set transaction snapshot {}").format(psycopg.sql.Literal(snapshot))
            )
        # an hour of embedding lies between two reads: the server's limit for idle ones would end it
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        # a role's limit of a statement is meant for its application; no lock is waited for in silence
        connection.execute("set local statement_timeout = 0")
        connection.execute(f"set local lock_timeout = '{LOCK_S}s'")
        connection.execute("set local timezone = 'UTC'")
        connection.execute("set local datestyle = 'ISO'")
        refuse_hidden_rows(connection)
        refuse_standby(connection, place)
        table = PostgresTable(connection, mapping, place, since, split)
        if snapshot is None and is_checked:
            table.check()
        yield table
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            f"PostgreSQL {place}: {_first_line(error)}. Nothing was touched.",
            next_step="Read with a role that may see every row: the owner of the table, or one with"
            " SELECT, USAGE of the schema, and BYPASSRLS where row level security is on.",
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise Unavailable(
            f"PostgreSQL {place}: somebody holds a lock on the source, {LOCK_S} s long."
            " Nothing was touched.",
            next_step="Who it is: select pid, query from pg_stat_activity where pid ="
            " any(pg_blocking_pids(PID)), with the PID that waits.",
        ) from error
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL {place}: {_first_line(error)}.") from error
    finally:
        connection.close()


class PostgresTable:
    """The rows of one transaction (a `RowSource`). `notes`: what a reader of the proof has to know."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        mapping: SourceMapping,
        place: str,
        since: datetime | None,
        split: Split | None = None,
    ) -> None:
        self.name = f"PostgreSQL {place}, {mapping.table if not mapping.sql else 'query'}"
        self._split, self._records = split, RecordIds()
        self._connection, self._mapping, self._since = connection, mapping, since
        self._sql = SourceSql(connection, mapping, since)
        self.notes: list[str] = []

    def check(self) -> None:
        self._require_columns()
        nulls = self._scalars(
            "select count(*) filter (where {id} is null), count(*) filter (where {content} is null),"
            " count(*) filter (where {id} = '') from {source}"
        )
        if nulls[0] or nulls[2]:
            raise Refused(
                f"{self.name}: {nulls[0] + nulls[2]} rows have no id. Nothing was touched."
            )
        if nulls[1]:
            ids = self._ids("select {id_bytes} from {source} where {content} is null limit 11")
            raise Refused(
                f"{self.name}: {nulls[1]} rows have no content: {ids}. Nothing was touched.",
                next_step="Repair them, or leave them out with [source] sql.",
            )
        repeated = self._ids(
            "select {id_bytes} from {source} group by {id} having count(*) > 1 limit 11"
        )
        if repeated:
            raise Refused(
                f"{self.name}: ids that come more than once: {repeated}. Nothing was touched.",
                next_step="Ids must be unique: repair the table, or name another [source] id.",
            )
        if self._split:
            self._check_records(self._split)

    def _check_records(self, split: Split) -> None:
        """The split gives the same records each time, and no id twice."""
        rows = without = 0
        for batch in self._sql.batches(ROWS, self._mapping.batch, name="chromadrill"):
            rows += len(batch)
            read = [self._row(*columns) for columns in batch]
            with self._named():
                parts = [split.steady_records(row) for row in read]
            without += parts.count([])
            self._records.add(list(chain.from_iterable(parts)))
        keys = self._records.repeated()
        if len(keys):
            ids = Counter(id_ for records in self.rows() for id_ in having(records, keys))
            names = ", ".join(f"'{id_}'" for id_ in sorted(ids)[:SHOWN])
            raise Refused(
                f"{self.name}: {split.name} gives {len(ids)} ids to more than one record: {names}."
                " Nothing was touched.",
                next_step="Ids must be unique among the records of all rows: begin them with the row's.",
            )
        note = f"{plural(self._records.count, 'record')} of {plural(rows, 'row')} by {split.name}"
        self.notes.append(
            f"{self.name}: {note}" + (f", {without} rows give none." if without else ".")
        )

    def count(self) -> int:
        if self._split:
            return self._records.count
        return int(self._scalars("select count(*) from {source}")[0])

    def rows(self) -> Iterator[list[Row]]:
        count = total = 0
        for batch in self._sql.batches(ROWS, self._mapping.batch, name="chromadrill"):
            rows = self._rows(batch)
            if self._split:
                count, total = count + len(rows), total + content_sum(rows)
            yield rows
        if self._split and (count, total % SUMS) != (self._records.count, self._records.sum):
            raise Refused(
                f"{self.name}: {self._split.name} is not deterministic: it gives other records of the"
                f" same rows than before ({self._records.count}, then {count}).",
                next_step="Make ids and texts of the row alone: no time, no random number, no counter.",
            )

    def sample(self, batches: int) -> tuple[int, int, list[Row]]:
        """How many rows there are, how many were looked at, and the records that those give."""
        records, seen = list[Row](), 0
        for batch in islice(self._sql.batches(ROWS, self._mapping.batch, name="sample"), batches):
            seen += len(batch)
            records += self._rows(batch)
        return int(self._scalars("select count(*) from {source}")[0]), seen, records

    def rows_of(self, ids: Sequence[str]) -> list[Row]:
        """The records with these ids, in any order. With a split all rows are read for it."""
        if self._split:
            wanted = set(ids)
            return [row for rows in self.rows() for row in rows if row.id in wanted]
        query: LiteralString = f"{ROWS} where {{id}} = any({{ids}})"
        return self._rows(self._sql.execute(query, ids=list(ids)))

    def ranges(self) -> Iterator[tuple[KeyRange, list[Row]]]:
        """As `rows`, in the order of the keys, with the range that each batch is."""
        query: LiteralString = f"{ROWS} order by {{key}}"
        for batch in self._sql.batches(query, self._mapping.batch, name="chromadrill-ranges"):
            rows = self._rows(batch)
            yield KeyRange(batch[0][0].decode(), batch[-1][0].decode()), rows

    def rows_between(self, keys: KeyRange) -> list[Row]:
        """The rows of a range, in the order of their keys."""
        return self._rows(self._sql.execute(RANGE, first=keys.first, last=keys.last))

    def has_ranges(self) -> bool:
        """Whether an index finds the rows of a range, however few rows there are today."""
        self._connection.execute("set local enable_seqscan = off")
        first = self._sql.execute("select {id_bytes} from {source} limit 1").fetchone()
        key = first[0].decode("utf-8", "replace") if first else ""
        plan = self._scalars(f"explain (format json) {RANGE}", first=key, last=key) if first else ()
        self._connection.execute("set local enable_seqscan to default")
        return "Index Cond" in json.dumps(plan)

    def export_snapshot(self) -> str:
        """The instant of this transaction, for `open_table` in another connection."""
        return str(self._scalars("select pg_export_snapshot()")[0])

    def holds(self, ids: Sequence[str]) -> set[str]:
        if self._split:
            return self._records.holds(ids)
        query: LiteralString = "select {id} from {source} where {id} = any({ids})"
        return {record for (record,) in self._sql.execute(query, ids=list(ids))}

    def _rows(self, batch: Iterable[tuple[Any, ...]]) -> list[Row]:
        """The rows of a batch of the cursor, or the records that the split makes of them."""
        rows = [self._row(*columns) for columns in batch]
        if not self._split:
            return rows
        with self._named():
            return [record for row in rows for record in self._split.records(row)]

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            raise Refused(f"{self.name}: {error.sentence}", next_step=error.next_step) from error

    def _row(self, record: bytes, content: bytes, metadata: bytes | None, changed: bool) -> Row:
        name = record.decode("utf-8", "replace")
        try:
            return Row(
                record.decode(),
                content.decode(),
                metadata_of(
                    name,
                    json.loads(metadata.decode()) if metadata else None,
                    self._mapping.metadata,
                ),
                changed,
            )
        except UnicodeDecodeError as error:
            raise Refused(
                f"{self.name}: row '{name}' is not clean UTF-8: {error.reason} at byte"
                f" {error.start}. Nothing was touched.",
                next_step="Repair the row, or leave it out with [source] sql.",
            ) from error
        except RecursionError as error:
            raise Refused(
                f"{self.name}: row '{name}': metadata is nested too deeply to be read."
            ) from error
        except ValueError as error:
            raise Refused(f"{self.name}: row '{name}': metadata is no JSON: {error}.") from error
        except Refused as error:
            raise Refused(f"{self.name}: {error.sentence}", next_step=error.next_step) from error

    def _require_columns(self) -> None:
        mapping = self._mapping
        if not mapping.sql:
            name = self._sql.source_name
            if self._scalars("select to_regclass({name})", name=name)[0] is None:
                tables = self._connection.execute(
                    "select table_schema, table_name from information_schema.tables"
                    " where table_schema not in ('pg_catalog', 'information_schema')"
                )
                names = [t if s == "public" else f"{s}.{t}" for s, t in tables]
                raise Unavailable(
                    f"{self.name}: no such table. {did_you_mean(mapping.table, names)}",
                    next_step="Name it in drill.toml: [source] table.",
                )
        columns = self._column_names()
        wanted = {key: getattr(mapping, key) for key in ("id", "content", "metadata")}
        if self._since:
            wanted["updated_at"] = mapping.updated_at
            if not mapping.updated_at:
                raise UsageError("--since needs a column that says when: [source] updated_at.")
        wanted = {key: name for key, name in wanted.items() if name}
        for key, name in wanted.items():
            if name not in columns:
                raise Unavailable(
                    f"{self.name}: no column '{name}'. {did_you_mean(name, columns)}",
                    next_step=f"Name it in drill.toml: [source] {key}.",
                )
        self._refuse_other_content(wanted)

    def _refuse_other_content(self, wanted: Mapping[str, str]) -> None:
        """The columns can be read, all rows of them, and are text."""
        table = None if self._mapping.sql else self._sql.source_name
        if table:
            require_readable(self._connection, table, list(wanted.values()), self.name)
        description = self._sql.columns(list(wanted.values())).description or ()
        numbers = [column.type_code for column in description]
        types = dict(zip(wanted.items(), numbers, strict=True))
        columns = mapped_columns(self._connection, types)
        refuse_other_than_text(columns, self.name)
        sentences = notes(self._connection, columns, table, self._mapping.sql)
        if self._mapping.parameters and not self._mapping.sql:
            sentences.append("[source.parameters] are for [source] sql; there is none.")
        self.notes = [f"{self.name}: {note}" for note in sentences]

    def _column_names(self) -> list[str]:
        """Of a query by its result, of a table by the catalogue: not all of it need be readable."""
        if self._mapping.sql:
            rows = self._sql.execute("select * from {source} limit 0")
            return [column.name for column in rows.description or ()]
        names = self._sql.execute(
            "select attname::text from pg_attribute where attrelid = {table}::regclass"
            " and attnum > 0 and not attisdropped",
            table=self._sql.source_name,
        )
        return [name for (name,) in names]

    def _ids(self, query: LiteralString) -> str:
        ids = [bytes(id_).decode("utf-8", "replace") for id_ in self._column(query)]
        return ", ".join(ids[:SHOWN]) + (", ..." if len(ids) > SHOWN else "")

    def _column(self, query: LiteralString) -> list[Any]:
        return [value for (value,) in self._sql.execute(query)]

    def _scalars(self, query: LiteralString, **values: Any) -> tuple[Any, ...]:
        row = self._sql.execute(query, **values).fetchone()
        return tuple(row or ())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
