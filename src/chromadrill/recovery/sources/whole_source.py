"""A source must be whole and text: what hides rows or shows something else is refused, or said.

A rebuild is held against what was read. A row that PostgreSQL keeps back would be missed by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chromadrill.core.errors import Refused, Unavailable

if TYPE_CHECKING:
    import psycopg

BYTEA, PADDED = "bytea", "bpchar"
TEXT_CATEGORIES = ("S", "E")  # of pg_type: text, varchar, char(n), name, citext; and enums
WRITTEN_AS_TEXT = ("json", "jsonb", "xml")
MATERIALIZED, FOREIGN = "m", "f"  # of pg_class.relkind
UNLOGGED = "u"  # of pg_class.relpersistence
_LIMIT = re.compile(
    r"\b(LIMIT|FETCH FIRST|FETCH NEXT|OFFSET|TABLESAMPLE|ROW_NUMBER|RANK|DENSE_RANK)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\b(CURRENT_USER|SESSION_USER|CURRENT_ROLE|CURRENT_SETTING|PG_HAS_ROLE|\w+_PRIVILEGE)\b",
    re.IGNORECASE,
)
# every view and partition that a relation is made of, however many lie between
_VIEWS = """
with recursive parts(relation) as (
    select %s::regclass::oid
    union
    select part.relation from parts cross join lateral (
        select depends.refobjid as relation from pg_rewrite rule
        join pg_depend depends on depends.classid = 'pg_rewrite'::regclass
            and depends.objid = rule.oid and depends.refclassid = 'pg_class'::regclass
        where rule.ev_class = parts.relation
        union all
        select inhrelid from pg_inherits where inhparent = parts.relation
    ) part
)
select relation::regclass::text, relkind::text, relpersistence::text,
    case when relkind in ('v', 'm') then pg_get_viewdef(relation) end,
    case when relispartition then (select inhparent::regclass::text from pg_inherits
        where inhrelid = relation and inhparent not in (select relation from parts)) end
from parts join pg_class on pg_class.oid = relation order by relation <> %s::regclass, 1
"""
_NAMESAKES = """
select pg_class.oid::regclass::text, own.nspname::text, array(
    select namespace.nspname::text from pg_class other
    join pg_namespace namespace on namespace.oid = other.relnamespace
    where other.relname = pg_class.relname and other.oid <> pg_class.oid
    and other.relkind in ('r', 'p', 'v', 'm', 'f') order by 1)
from pg_class join pg_namespace own on own.oid = pg_class.relnamespace
where pg_class.oid = %s::regclass
"""


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """A column that `[source]` names under `setting`.

    Its type as pg_type has it (name, category) and as SQL writes it.
    """

    setting: str
    name: str
    type_name: str
    category: str
    type_text: str


def refuse_hidden_rows(connection: psycopg.Connection[Any]) -> None:
    """In this transaction PostgreSQL refuses a query of which a policy would leave rows out."""
    connection.execute("set local row_security = off")


def refuse_standby(connection: psycopg.Connection[Any], place: str) -> None:
    """Raise Unavailable on a hot standby: it shows what it has replayed, not what it lacks."""
    row = connection.execute("select pg_is_in_recovery(), pg_last_xact_replay_timestamp()")
    is_standby, replayed_at = row.fetchone() or (False, None)
    if is_standby:
        last = f", whose last replayed transaction is of {replayed_at}" if replayed_at else ""
        raise Unavailable(
            f"PostgreSQL {place} is a standby{last}: rows may be missing. Nothing was touched.",
            next_step="Name the primary in DATABASE_URL, or promote the standby if the primary is lost.",
        )


def require_readable(
    connection: psycopg.Connection[Any], table: str, columns: list[str], source_name: str
) -> None:
    """Raise Unavailable, with the columns named, where the role may not read all of `columns`."""
    role, unreadable = connection.execute(
        "select current_user, array(select name from unnest(%s::text[]) as name"
        " where not has_column_privilege(%s::regclass, name, 'select'))",
        [columns, table],
    ).fetchone() or ("", [])
    if unreadable:
        raise Unavailable(
            f"{source_name}: the role {role} may not read {', '.join(unreadable)}."
            " Nothing was touched.",
            next_step=f"As the owner of the table: GRANT SELECT ON {table} TO {role}",
        )


def mapped_columns(
    connection: psycopg.Connection[Any], types: Mapping[tuple[str, str], int]
) -> list[MappedColumn]:
    """`types`: (setting, column) and the number of the column's type."""
    known = {
        number: (name, category, text)
        for number, name, category, text in connection.execute(
            "select oid::int8, typname::text, typcategory::text, format_type(oid, null)"
            " from pg_type where oid = any(%s::oid[])",
            [list(types.values())],
        )
    }
    return [MappedColumn(*names, *known[number]) for names, number in types.items()]


def refuse_other_than_text(columns: Sequence[MappedColumn], source_name: str) -> None:
    """Raise Refused for a column that PostgreSQL would show as something that nobody wrote."""
    for column in columns:
        is_text = column.category in TEXT_CATEGORIES or column.type_name in WRITTEN_AS_TEXT
        is_bytea, name = column.type_name == BYTEA, column.name
        if column.setting == "metadata" and not (is_text or is_bytea):
            raise Refused(
                f"{source_name}: the column '{name}' ([source] metadata) is {column.type_text},"
                " not JSON. Nothing was touched.",
                next_step=f"Say how it is read: [source] sql, with jsonb_build_object('{name}', {name})"
                f" as {name}, or to_jsonb({name}) where that is an object.",
            )
        if not is_bytea and (is_text or column.setting != "content"):
            continue
        cast = f"convert_from({name}, 'UTF8')" if is_bytea else f"{name}::text"
        raise Refused(
            f"{source_name}: the column '{name}' ([source] {column.setting}) is {column.type_text},"
            " not text. Nothing was touched.",
            next_step=f"If it holds text, say how it is read: [source] sql, with {cast} as {name}.",
        )


def notes(
    connection: psycopg.Connection[Any],
    columns: Sequence[MappedColumn],
    table: str | None,
    query: str = "",
) -> list[str]:
    """What whoever reads a proof has to know of its source, in sentences.

    `table`: its quoted name; None for a `query`.
    """
    sentences = [
        f"the column '{column.name}' is padded (char(n)): its trailing blanks are left out everywhere."
        for column in columns
        if column.type_name == PADDED
    ]
    if table is None:
        return [*sentences, *_of_definition("[source] sql", "a query", query)]
    return [
        *sentences,
        *_of_namesakes(connection, table),
        *(
            sentence
            for relation in connection.execute(_VIEWS, [table, table])
            for sentence in _of_relation(*relation)
        ),
    ]


def _of_relation(
    name: str, kind: str, persistence: str, definition: str | None, parent: str | None
) -> list[str]:
    sentences = _of_definition(name, "a view", definition or "")
    if kind == MATERIALIZED:
        sentences.append(f"{name} is a materialized view: it holds what its last refresh found.")
    if kind == FOREIGN:
        sentences.append(f"{name} is a foreign table: its rows are another server's.")
    if persistence == UNLOGGED:
        sentences.append(f"{name} is an unlogged table: PostgreSQL empties it after a crash.")
    if parent:
        sentences.append(f"{name} is one partition of {parent}: the others are not in it.")
    return sentences


def _of_definition(name: str, kind: str, definition: str) -> list[str]:
    sentences = []
    if _LIMIT.search(definition):
        sentences.append(f"{name} is {kind} with a limit: the rows beyond it are not in it.")
    if _ROLE.search(definition):
        sentences.append(f"{name} is {kind} that may show each role other rows.")
    return sentences


def _of_namesakes(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """Which of several tables of one name is read: the search_path of a role decides."""
    name, schema, others = connection.execute(_NAMESAKES, [table]).fetchone() or ("", "", [])
    if not others or "." in table:
        return []
    return [
        f"{name} is read in the schema {schema}; there is one in {', '.join(others)} too"
        f' ([source] table = "SCHEMA.TABLE" says which).'
    ]
