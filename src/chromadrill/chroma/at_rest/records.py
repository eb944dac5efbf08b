"""The records of one collection without their vectors, out of the SQLite tables and the log."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import orjson

from chromadrill.chroma.at_rest.database import Database, StoreUnreadable
from chromadrill.chroma.at_rest.id_hashes import Hashes, hashes_of, narrow
from chromadrill.chroma.at_rest.log import RecordChange

Raw = dict[str, Any]
_NO_TEXT = "A text of the store's records holds something else than text."
DOCUMENT, URI = "chroma:document", "chroma:uri"
_LOOKED_UP = 1 << 12  # rows whose ids are asked for together
# As two lists, null for an id that is no text: a step of SQLite for each row costs twice as much.
_LISTS = (
    "SELECT json_group_array(e.id), json_group_array("
    "CASE typeof(e.embedding_id) WHEN 'text' THEN e.embedding_id END) AS embedding_id FROM"
)
_BETWEEN = "embeddings e WHERE e.id BETWEEN ? AND ? AND +e.segment_id = ?"
# CROSS JOIN keeps the order of the list; a plain join may start from another table.
_LISTED = "json_each(?) j CROSS JOIN embeddings e ON e.id = j.value"
# Truth values come as bytes that no store holds: a column fewer is a tenth of the price.
_TRUTH = {b"chromadrill: false": False, b"chromadrill: true": True}
_FALSE, _TRUE = (f"x'{name.hex()}'" for name in _TRUTH)
_VALUE = (
    "m.id, m.key, coalesce(m.string_value, m.int_value, m.float_value,"
    f" CASE m.bool_value <> 0 WHEN 0 THEN {_FALSE} WHEN 1 THEN {_TRUE} END) AS string_value"
)
_VALUES_BY_INDEX = f"SELECT {_VALUE} FROM embedding_metadata m WHERE m.id BETWEEN ? AND ?"
_VALUES_BY_ROWID = (
    f"SELECT {_VALUE} FROM embedding_metadata m"
    " WHERE m.rowid BETWEEN ? AND ? AND +m.id BETWEEN ? AND ?"
)
_VALUES_LISTED = (
    f"SELECT {_VALUE} FROM json_each(?) j CROSS JOIN embedding_metadata m ON m.id = j.value"
)
# The rowids of the first record's values and of the last one's, and how many values there are.
_ROWIDS = (
    "SELECT (SELECT min(rowid) FROM embedding_metadata WHERE id = ?1),"
    " (SELECT max(rowid) FROM embedding_metadata WHERE id = ?2),"
    " (SELECT count(*) FROM embedding_metadata WHERE id BETWEEN ?1 AND ?2)"
)


class RecordSource:
    """The live records of one METADATA segment, in the order in which the server answers them.

    `keys` are the row numbers (4 bytes a record). Pages are cut from them, so that no query
    sorts or holds the whole collection. Every method may raise StoreUnreadable.
    """

    def __init__(self, db: Database, segment: str, changes: dict[str, RecordChange]) -> None:
        self._db = db
        self._changes = changes
        self._has_lists = "embedding_metadata_array" in db.tables and (
            db.one("SELECT 1 FROM embedding_metadata_array LIMIT 1") is not None
        )
        self._segment = segment
        keys = db.column("SELECT id FROM embeddings WHERE segment_id = ?", segment)
        self.keys: npt.NDArray[np.integer[Any]] = narrow(np.sort(keys))
        self._created = [id_ for id_, change in changes.items() if change.created]
        self._removed = sum(
            db.one("SELECT 1 FROM embeddings WHERE segment_id = ? AND embedding_id = ?",
                   segment, id_) is not None
            for id_, change in changes.items()
            if change.created or not change.alive
        )  # fmt: skip

    def beside(self, db: Database) -> RecordSource:
        """Return this source over a second connection, for another thread."""
        twin = copy.copy(self)
        twin._db = db
        return twin

    def __len__(self) -> int:
        return len(self.keys) - self._removed + len(self._created)

    def hashes(self) -> Hashes:
        """Return the hash of the id of every live record, without reading its other columns."""
        parts = [hashes_of(self._ids(keys)[1]) for keys in _cut(self.keys, _LOOKED_UP)]
        hashes = np.concatenate([hashes_of([]), *parts])
        if not self._changes:
            return hashes
        away = [id_ for id_, change in self._changes.items() if change.created or not change.alive]
        kept = hashes[~np.isin(hashes, hashes_of(away))]
        return np.concatenate([kept, hashes_of(self._created)])

    def pages(self, size: int) -> Iterator[list[tuple[str, Raw]]]:
        """Yield pages of (id, raw metadata with the chroma: keys); no page is empty."""
        waiting: list[tuple[str, Raw]] = []
        for keys in _cut(self.keys, size):
            waiting += self._after_log(list(self._rows(keys).values()))
            while len(waiting) >= size:
                yield waiting[:size]
                waiting = waiting[size:]
        waiting += self._created_records()
        for start in range(0, len(waiting), size):
            yield waiting[start : start + size]

    def sample(self, wanted: int) -> list[tuple[str, Raw]]:
        """Return about `wanted` records spread over all, oldest to newest."""
        places = np.linspace(0, len(self.keys) - 1, min(wanted, len(self.keys))).astype(int)
        records = (
            self._after_log(self._some(self.keys[np.unique(places)])) if len(self.keys) else []
        )
        return (records + self._created_records())[:wanted]

    def select(self, segment: str, ids: Sequence[str]) -> list[tuple[str, Raw]]:
        """Return those of the records `ids` that the segment holds."""
        sql = (
            "SELECT e.id FROM json_each(?) j CROSS JOIN embeddings e "
            "ON e.segment_id = ? AND e.embedding_id = j.value"
        )
        wanted = orjson.dumps(list(ids)).decode()
        keys = np.fromiter((row[0] for row in self._db.rows(sql, wanted, segment)), np.int64)
        among = set(ids)
        created = [record for record in self._created_records() if record[0] in among]
        return self._after_log(self._some(keys)) + created

    def _created_records(self) -> list[tuple[str, Raw]]:
        """Records that the log alone holds; made anew for each reader, as `split` empties them."""
        return [(id_, self._changes[id_].apply({})) for id_ in self._created]

    def _after_log(self, page: list[tuple[str, Raw]]) -> list[tuple[str, Raw]]:
        if not self._changes:
            return page
        records = []
        for id_, raw in page:
            change = self._changes.get(id_)
            if change is None:
                records.append((id_, raw))
            elif change.alive and not change.created:
                records.append((id_, change.apply(raw)))
        return records

    def _some(self, keys: npt.NDArray[np.integer[Any]]) -> list[tuple[str, Raw]]:
        """Return the rows of some numbers, of which a range may be read as a whole."""
        rows = self._rows(keys)
        return [rows[number] for number in keys.tolist() if number in rows]

    def _rows(self, keys: npt.NDArray[np.integer[Any]]) -> dict[int, tuple[str, Raw]]:
        """Return rows by their numbers: those of `keys`, and those between them where they are dense."""
        if not len(keys):
            return {}
        numbers, ids = self._ids(keys)
        if None in ids:
            raise StoreUnreadable(_NO_TEXT)
        texts = cast(list[str], ids)
        page = {number: (id_, Raw()) for number, id_ in zip(numbers, texts, strict=True)}
        if _is_dense(keys):
            values = self._values_between(int(keys[0]), int(keys[-1]))
        else:
            values = self._db.fetch(_VALUES_LISTED, _json(keys))
        last_number: int | None = None
        raw: Raw = {}
        for number, key, value in values:
            if number != last_number:
                last_number = number
                record = page.get(number)
                raw = record[1] if record is not None else {}  # another collection's
            if value.__class__ is bytes:
                raw[key] = _TRUTH[value] if value in _TRUTH else _text(value)
            elif value is not None:
                raw[key] = value
        if self._has_lists:
            self._add_lists(_json(keys), page)
        return page

    def _ids(self, keys: npt.NDArray[np.integer[Any]]) -> tuple[list[int], list[str | None]]:
        """Return row numbers and ids, None for one that is no text.

        They are those of `keys` that are there, and where `keys` are some of a range, all of it.
        """
        values: tuple[Any, ...]
        if _is_dense(keys):
            rows, values = _BETWEEN, (int(keys[0]), int(keys[-1]), self._segment)
        else:
            rows, values = _LISTED, (_json(keys),)
        try:
            ((numbers, ids),) = self._db.fetch(f"{_LISTS} {rows}", *values)
        except StoreUnreadable:
            self._db.fetch(f"SELECT e.embedding_id FROM {rows}", *values)  # its error names the id
            raise
        return orjson.loads(numbers), orjson.loads(ids)

    def _values_between(self, first: int, last: int) -> list[tuple[Any, ...]]:
        """Return the values of the records from number `first` to `last`.

        The index of their numbers leads to each row by itself. As a rule the rows lie side by side, and
        in their own order they are read at two thirds of that price. Where some lie elsewhere, fewer
        are found than the index counts.
        """
        ((start, end, count),) = self._db.fetch(_ROWIDS, first, last)
        if start is not None and end is not None and end - start < 2 * count:
            values = self._db.fetch(_VALUES_BY_ROWID, start, end, first, last)
            if len(values) == count:
                return values
        return self._db.fetch(_VALUES_BY_INDEX, first, last)

    def _add_lists(self, wanted: str, page: dict[int, tuple[str, Raw]]) -> None:
        sql = (
            "SELECT a.id, a.key, a.string_value, a.int_value, a.float_value, a.bool_value "
            "FROM json_each(?) j CROSS JOIN embedding_metadata_array a ON a.id = j.value "
            "ORDER BY a.id, a.key, a.rowid"
        )
        last: tuple[int, str] | None = None
        items: list[Any] = []
        for number, key, text, integer, real, boolean in self._db.rows(sql, wanted):
            if number not in page:
                continue  # its record is gone: other checks say so
            if (number, key) != last:
                last, items = (number, key), []
                page[number][1][key] = items
            if boolean is not None:
                items.append(boolean != 0)
            else:
                value = next((v for v in (text, integer, real) if v is not None), None)
                items.append(value if value.__class__ is not bytes else _text(value))


class Columns(NamedTuple):
    """What is stored of n records, in columns of that length."""

    documents: list[str | None]
    metadatas: list[Raw | None]
    uris: list[str | None]


def split(raws: Sequence[Raw]) -> Columns:
    """Return documents, metadata and uris of records' raw metadata, which are changed.

    The server answers null where nothing but a document is stored. It answers {} where nothing is
    left after hiding the other `chroma:` keys (a uri).
    """
    documents = [_string(raw.pop(DOCUMENT, None)) for raw in raws]
    # asked of a page, not of each record: as a rule a page has the same few keys all over
    hidden = {key for key in set().union(*raws) if _text(key).startswith("chroma:")}
    if not hidden:
        return Columns(documents, [raw or None for raw in raws], [None] * len(raws))
    uris = [_string(raw.get(URI)) for raw in raws]
    metadatas = [
        {key: value for key, value in raw.items() if key not in hidden} if raw else None
        for raw in raws
    ]
    return Columns(documents, metadatas, uris)


def _is_dense(keys: npt.NDArray[np.integer[Any]]) -> bool:
    """Whether a range costs less than a list: ascending, and few rows of other collections between."""
    return bool((keys[1:] > keys[:-1]).all() and int(keys[-1]) - int(keys[0]) < 2 * len(keys))


def _text(value: Any) -> str:
    """The value, if it is text: SQLite lets damage put anything there."""
    if isinstance(value, str):
        return value
    raise StoreUnreadable(_NO_TEXT)


def _json(keys: npt.NDArray[np.integer[Any]]) -> str:
    return orjson.dumps(keys.tolist()).decode()


def _cut(keys: npt.NDArray[np.integer[Any]], size: int) -> Iterator[npt.NDArray[np.integer[Any]]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _string(value: Any) -> str | None:
    """A document or uri; a number that a client put under a `chroma:` key is neither."""
    return value if isinstance(value, str) else None
