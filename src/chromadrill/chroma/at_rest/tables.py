"""The rows of one collection in the SQLite tables: types, sequence numbers, full-text entries.

A question about all rows of a table is a third of the price of the same question about those of one
collection. So it comes first, and where no row is odd the others are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from chromadrill.chroma.at_rest.database import Database
from chromadrill.chroma.at_rest.store import Segment

_VALUES = ("embedding_metadata", "embedding_metadata_array")
_CONTENT = "embedding_fulltext_search_content"
_TWO_TYPES = (
    "(m.string_value IS NOT NULL) + (m.int_value IS NOT NULL) "
    "+ (m.float_value IS NOT NULL) + (m.bool_value IS NOT NULL) > 1"
)
_WRONG_TYPE = (
    "(NOT (m.bool_value IS NULL OR m.bool_value IN (0, 1)) "
    "OR typeof(m.int_value) NOT IN ('null', 'integer') "
    "OR typeof(m.float_value) NOT IN ('null', 'real') "
    "OR typeof(m.string_value) NOT IN ('null', 'text'))"
)
# Two types or a wrong one, asked of all rows of a table: one `typeof` a row takes half the time.
_ODD = (
    "CASE WHEN m.string_value IS NOT NULL THEN typeof(m.string_value) <> 'text' "
    "OR m.int_value IS NOT NULL OR m.float_value IS NOT NULL OR m.bool_value IS NOT NULL "
    "WHEN m.int_value IS NOT NULL THEN typeof(m.int_value) <> 'integer' "
    "OR m.float_value IS NOT NULL OR m.bool_value IS NOT NULL "
    "WHEN m.float_value IS NOT NULL THEN typeof(m.float_value) <> 'real' "
    "OR m.bool_value IS NOT NULL ELSE m.bool_value NOT IN (0, 1) END"
)


class TableQuestions:
    """What is asked of the tables of one store; what concerns all rows is asked once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def problems(self, metadata: Segment) -> list[str]:
        """Return what is wrong with the rows of a METADATA segment, as clauses of a sentence."""
        problems = []
        questions = [*self._sequence_numbers(metadata), *self._types(), *self._full_text()]
        for text, sql in questions:
            row = self._db.one(sql, metadata.id)
            if row and row[0]:
                problems.append(text.format(row[0]))
        return problems

    def _sequence_numbers(self, metadata: Segment) -> Iterator[tuple[str, str]]:
        if self._newest_record is not None and self._newest_record <= metadata.synced:
            return
        yield (
            "{} records carry a sequence number that is neither an integer nor 8 bytes",
            "SELECT count(*) FROM embeddings WHERE segment_id = ? AND typeof(seq_id) <> 'integer' "
            "AND NOT (typeof(seq_id) = 'blob' AND length(seq_id) = 8)",
        )
        yield (
            "{} records are newer than what their segment claims to have taken in",
            "SELECT count(*) FROM embeddings WHERE segment_id = ? AND typeof(seq_id) = 'integer' "
            f"AND seq_id > {metadata.synced}",
        )

    @cached_property
    def _newest_record(self) -> int | None:
        """The highest sequence number of a record; None where one is no integer, or there is none."""
        sql = "SELECT max(seq_id), max(typeof(seq_id) <> 'integer') FROM embeddings"
        newest, is_any_odd = self._db.one(sql) or (None, None)
        return newest if is_any_odd == 0 else None

    @cached_property
    def _odd_tables(self) -> list[str]:
        """The tables in which some value is of the wrong type, in any collection."""
        tables = [table for table in _VALUES if table in self._db.tables]
        # of lists, two types at once were never asked for
        odd = dict.fromkeys(tables, _WRONG_TYPE)
        odd["embedding_metadata"] = _ODD
        return [table for table in tables if self._has(f"{table} m WHERE {odd[table]}")]

    def _types(self) -> Iterator[tuple[str, str]]:
        if "embedding_metadata" in self._odd_tables:
            yield (
                "{} metadata values have two types at once",
                "SELECT count(*) FROM embeddings e JOIN embedding_metadata m ON m.id = e.id "
                f"WHERE e.segment_id = ? AND {_TWO_TYPES}",
            )
        for table in self._odd_tables:
            yield (
                "{} metadata values are not of their column's type",
                f"SELECT count(*) FROM embeddings e JOIN {table} m ON m.id = e.id "
                f"WHERE e.segment_id = ? AND {_WRONG_TYPE}",
            )

    @cached_property
    def _full_text_agrees(self) -> bool:
        """Whether there are as many entries as documents, and each is that of its document."""
        is_document = "m.key = 'chroma:document'"
        counts = [
            self._db.one(f"SELECT count(*) FROM {table}")
            for table in (
                _CONTENT,
                f"embedding_metadata m WHERE {is_document} AND string_value IS NOT NULL",
            )
        ]
        # "+": from row to row of the table; an index would lead to each by itself
        differs = f"+{is_document} AND f.c0 IS NOT m.string_value"
        rows = f"embedding_metadata m LEFT JOIN {_CONTENT} f ON f.id = m.id WHERE {differs}"
        return counts[0] == counts[1] and not self._has(rows)

    def _full_text(self) -> Iterator[tuple[str, str]]:
        if _CONTENT not in self._db.tables or self._full_text_agrees:
            return
        content = f"{_CONTENT} f ON f.id = e.id"
        document = "embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'"
        yield (
            "{} documents differ from their full-text entry or have none",
            f"SELECT count(*) FROM embeddings e JOIN {document} LEFT JOIN {content} "
            "WHERE e.segment_id = ? AND f.c0 IS NOT m.string_value",
        )
        yield (
            "{} full-text entries have no document",
            f"SELECT count(*) FROM embeddings e JOIN {content} LEFT JOIN {document} "
            "WHERE e.segment_id = ? AND m.id IS NULL",
        )

    def _has(self, rows: str) -> bool:
        return self._db.one(f"SELECT 1 FROM {rows} LIMIT 1") is not None
