"""A cold Chroma 1.5 data directory: what it holds, and tools to damage exactly one thing in it."""

from __future__ import annotations

import io
import json
import pickle
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NoReturn

SQLITE = "chroma.sqlite3"
PICKLE = "index_metadata.pickle"
BINS = ("data_level0.bin", "header.bin", "length.bin", "link_lists.bin")

_COLLECTIONS = """
SELECT c.id, d.tenant_id, d.name, c.name, c.dimension, c.schema_str, v.id, m.id,
       COALESCE((SELECT seq_id FROM max_seq_id WHERE segment_id = v.id), 0),
       (SELECT COUNT(*) FROM embeddings e WHERE e.segment_id = m.id)
FROM collections c
JOIN databases d ON d.id = c.database_id
JOIN segments v ON v.collection = c.id AND v.scope = 'VECTOR'
JOIN segments m ON m.collection = c.id AND m.scope = 'METADATA'
ORDER BY 10 DESC, d.tenant_id, d.name, c.name
"""


@dataclass(frozen=True)
class Collection:
    """One collection as the files at rest describe it."""

    id: str
    tenant: str
    database: str
    name: str
    dimension: int | None
    space: str
    vector: str
    metadata: str
    synced: int
    count: int
    directory: Path

    @property
    def key(self) -> str:
        """The name people use for it: tenant/database/name."""
        return f"{self.tenant}/{self.database}/{self.name}"

    @property
    def topic(self) -> str:
        """Where its entries stand in embeddings_queue."""
        return f"persistent://default/default/{self.id}"

    @property
    def indexed(self) -> bool:
        """True when some of its vectors live only in the segment directory."""
        return (self.directory / PICKLE).is_file()


@dataclass(frozen=True)
class Entry:
    """The newest entry of a live record in the tail that the index has not taken in yet."""

    seq_id: int
    record: str
    vector: bytes


@dataclass
class Store:
    """A data directory; `older` is the same store at an earlier instant, where a fault needs it."""

    root: Path
    older: Path | None = None
    _known: list[Collection] | None = field(default=None, repr=False)

    @property
    def sqlite(self) -> Path:
        """The database file."""
        return self.root / SQLITE

    @contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode (VACUUM, PRAGMA)."""
        if not self.sqlite.is_file():
            raise LookupError(f"There is no {SQLITE} in {self.root}.")
        connection = sqlite3.connect(self.sqlite, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def edit(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one transaction, committed at the end."""
        with self.raw() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def earlier(self) -> Path:
        """The older instant, or LookupError."""
        if self.older is None or not (self.older / SQLITE).is_file():
            raise LookupError("This fault needs an older copy of the same store (older=...).")
        return self.older

    def collections(self) -> list[Collection]:
        """All collections, largest first."""
        if self._known is None:
            with self.raw() as connection:
                rows = connection.execute(_COLLECTIONS).fetchall()
            self._known = [
                Collection(r[0], r[1], r[2], r[3], r[4], space_of(r[5]), r[6], r[7], int(r[8]),
                           int(r[9]), self.root / r[6])
                for r in rows
            ]  # fmt: skip
        return self._known

    def tail(self, collection: Collection) -> list[Entry]:
        """Live records whose newest vector lies only in the queue, oldest first."""
        with self.raw() as connection:
            # a bare column beside MAX() comes from the row of the maximum: the newest entry
            rows = connection.execute(
                "SELECT MAX(seq_id) AS seq, id, vector, operation FROM embeddings_queue"
                " WHERE topic = ? AND seq_id > ? GROUP BY id"
                " HAVING vector IS NOT NULL AND operation <> 3 ORDER BY seq",
                (collection.topic, collection.synced),
            ).fetchall()
            live = {
                row[0]
                for row in connection.execute(
                    "SELECT embedding_id FROM embeddings WHERE segment_id = ?",
                    (collection.metadata,),
                )
            }
        return [Entry(row[0], row[1], row[2]) for row in rows if row[1] in live]


def space_of(schema: str | None) -> str:
    """The distance space in schema_str (config_json_str is `{}` on 1.5.9)."""
    config = json.loads(schema or "{}")
    for step in ("keys", "#embedding", "float_list", "vector_index", "config"):
        config = config.get(step) or {}
    return str(config.get("space", "l2"))


# --- which collections a fault may hit ---------------------------------------------------------

Pick = Callable[[Store, Random], tuple[Collection, ...]]
Act = Callable[[Store, tuple[Collection, ...], Random], None]


def whole(store: Store, rng: Random) -> tuple[Collection, ...]:
    """No single collection: the fault hits the whole store."""
    return ()


def choose(store: Store, rng: Random, why: str, test: Callable[[Collection], bool]) -> Collection:
    """One of the collections that pass `test`, or LookupError."""
    fit = [c for c in store.collections() if test(c)]
    if not fit:
        raise LookupError(f"No collection {why} in {store.root}.")
    return rng.choice(fit)


def any_filled(store: Store, rng: Random) -> tuple[Collection, ...]:
    """Any collection with at least 20 records."""
    return (choose(store, rng, "has 20 records", lambda c: c.count >= 20),)


def indexed(store: Store, rng: Random) -> tuple[Collection, ...]:
    """A collection with a synced index: most of its vectors are only in its directory."""
    return (choose(store, rng, "has a synced index", lambda c: c.indexed),)


def largest_indexed(store: Store, rng: Random) -> tuple[Collection, ...]:
    """The largest collection with a synced index."""
    top = max((c.count for c in store.collections() if c.indexed), default=0)
    return (choose(store, rng, "has a synced index", lambda c: c.indexed and c.count == top),)


def unsynced(store: Store, rng: Random) -> tuple[Collection, ...]:
    """A collection below the threshold: its vectors are only in the queue."""
    return (choose(store, rng, "is unsynced", lambda c: c.count >= 20 and not c.indexed),)


def with_tail(store: Store, rng: Random) -> tuple[Collection, ...]:
    """A collection with at least 4 live records in the unsynced tail."""
    return (choose(store, rng, "has an unsynced tail", lambda c: len(store.tail(c)) >= 4),)


def indexed_tail(store: Store, rng: Random) -> tuple[Collection, ...]:
    """A collection with a synced index and an unsynced tail."""
    found = choose(
        store, rng, "has an index and a tail", lambda c: c.indexed and len(store.tail(c)) >= 4
    )
    return (found,)


def in_space(*spaces: str) -> Pick:
    """A synced collection with one of these distance spaces."""

    def pick(store: Store, rng: Random) -> tuple[Collection, ...]:
        why = f"with space {' or '.join(spaces)} has a synced index"
        return (choose(store, rng, why, lambda c: c.indexed and c.space in spaces),)

    return pick


def two_indexed(store: Store, rng: Random) -> tuple[Collection, ...]:
    """Two synced collections, of the same dimension where possible."""
    first = choose(store, rng, "has a synced index", lambda c: c.indexed)
    others = [c for c in store.collections() if c.indexed and c.id != first.id]
    if not others:
        raise LookupError("There is only one collection with a synced index.")
    same = [c for c in others if c.dimension == first.dimension]
    return (first, rng.choice(same or others))


def having(sql: str, least: int = 1) -> Pick:
    """A collection for which `sql` (one parameter: its METADATA segment) finds enough rows."""

    def pick(store: Store, rng: Random) -> tuple[Collection, ...]:
        def test(collection: Collection) -> bool:
            with store.raw() as connection:
                found = connection.execute(sql, (collection.metadata,)).fetchmany(least)
            return len(found) >= least

        return (choose(store, rng, "has such a record", test),)

    return pick


def sample(
    store: Store, collection: Collection, sql: str, rng: Random, k: int
) -> list[tuple[Any, ...]]:
    """`k` of the rows that `sql` finds in a collection, or LookupError."""
    with store.raw() as connection:
        rows = connection.execute(sql, (collection.metadata,)).fetchall()
    if len(rows) < k:
        raise LookupError(f"{collection.key} has only {len(rows)} of the {k} rows needed.")
    return rng.sample(rows, k)


# --- bytes -------------------------------------------------------------------------------------


def patch(path: Path, offset: int, data: bytes) -> None:
    """Overwrite a few bytes of a file in place."""
    with path.open("r+b") as handle:
        handle.seek(offset)
        handle.write(data)


def flip_bit(path: Path, offset: int, bit: int = 0) -> None:
    """Flip one bit of a file in place."""
    with path.open("r+b") as handle:
        handle.seek(offset)
        byte = handle.read(1)
        handle.seek(offset)
        handle.write(bytes([byte[0] ^ (1 << bit)]))


def cut(path: Path, size: int) -> None:
    """Cut a file to `size` bytes."""
    with path.open("r+b") as handle:
        handle.truncate(size)


def swap_files(one: Path, two: Path) -> None:
    """Exchange the content of two files."""
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


@dataclass(frozen=True)
class Header:
    """header.bin of a segment: where things are in data_level0.bin."""

    count: int
    row_size: int
    label_at: int
    vector_at: int

    @classmethod
    def read(cls, directory: Path) -> Header:
        """Read it, or LookupError."""
        path = directory / "header.bin"
        if not path.is_file() or path.stat().st_size < 100:
            raise LookupError(f"{path} is no index header.")
        return cls(*struct.unpack_from("<4Q", path.read_bytes(), 20))

    def vector(self, rows: Path, row: int) -> bytes:
        """The stored vector of one row."""
        with rows.open("rb") as handle:
            handle.seek(row * self.row_size + self.vector_at)
            return handle.read(self.label_at - self.vector_at)


class _PlainUnpickler(pickle.Unpickler):
    """Reads dicts, lists and scalars; refuses every class."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed here")


def read_pickle(path: Path) -> dict[str, Any]:
    """index_metadata.pickle as a plain dict."""
    loaded = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    if not isinstance(loaded, dict):
        raise LookupError(f"{path} does not hold a dict.")
    return loaded


def write_pickle(path: Path, content: dict[str, Any]) -> None:
    """Write index_metadata.pickle back."""
    path.write_bytes(pickle.dumps(content, protocol=4))


def live_labels(store: Store, collection: Collection) -> dict[str, int]:
    """Record id -> label, only of live records whose newest vector is the one in the index."""
    labels = read_pickle(collection.directory / PICKLE)["id_to_label"]
    with store.raw() as connection:
        live = {
            row[0]
            for row in connection.execute(
                "SELECT embedding_id FROM embeddings WHERE segment_id = ?", (collection.metadata,)
            )
        }
        newer = {
            row[0]
            for row in connection.execute(
                "SELECT id FROM embeddings_queue WHERE topic = ? AND seq_id > ?",
                (collection.topic, collection.synced),
            )
        }
    found = {i: int(label) for i, label in labels.items() if i in live and i not in newer}
    if len(found) < 20:
        raise LookupError(f"The index of {collection.key} holds fewer than 20 live records.")
    return found


def rows_by_label(collection: Collection) -> dict[int, int]:
    """Label -> row number in data_level0.bin."""
    header = Header.read(collection.directory)
    rows = (collection.directory / "data_level0.bin").read_bytes()
    return {
        struct.unpack_from("<Q", rows, n * header.row_size + header.label_at)[0]: n
        for n in range(header.count)
    }


def live_rows(store: Store, collection: Collection, rng: Random, k: int) -> list[int]:
    """`k` row numbers of live records that only the index holds."""
    rows = rows_by_label(collection)
    labels = sorted(live_labels(store, collection).values())
    return [rows[label] for label in rng.sample([x for x in labels if x in rows], k)]


# --- sqlite pages ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """Page numbers (from 1) of one b-tree: inner pages, leaves, overflow pages of table leaves."""

    size: int
    inner: list[int]
    leaves: list[int]
    overflow: list[int]

    def offset(self, page: int) -> int:
        """File offset of a page."""
        return (page - 1) * self.size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[at + n]
        if n == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + n + 1
    raise AssertionError


def _overflow(data: bytes, size: int, start: int, cell: int) -> list[int]:
    payload, at = _varint(data, start + cell)
    _, at = _varint(data, at)
    if payload <= size - 35:
        return []
    least = (size - 12) * 32 // 255 - 23
    local = least + (payload - least) % (size - 4)
    at += local if local <= size - 35 else least
    pages = []
    page = struct.unpack_from(">I", data, at)[0]
    while page:
        pages.append(page)
        page = struct.unpack_from(">I", data, (page - 1) * size)[0]
    return pages


def tree(store: Store, name: str) -> Tree:
    """Walk the b-tree of a table or an index, or LookupError."""
    with store.raw() as connection:
        row = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        root = row.fetchone()
    if root is None:
        raise LookupError(f"There is no table or index {name}.")
    data = store.sqlite.read_bytes()
    size = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    found = Tree(size, [], [], [])
    todo = [int(root[0])]
    while todo:
        page = todo.pop()
        base = (page - 1) * size
        head = base + (100 if page == 1 else 0)
        kind = data[head]
        cells = struct.unpack_from(">H", data, head + 3)[0]
        at = head + (12 if kind in (2, 5) else 8)
        pointers = struct.unpack_from(f">{cells}H", data, at)
        if kind in (2, 5):
            found.inner.append(page)
            todo.append(struct.unpack_from(">I", data, head + 8)[0])
            todo.extend(struct.unpack_from(">I", data, base + p)[0] for p in reversed(pointers))
        elif kind in (10, 13):
            found.leaves.append(page)
            if kind == 13:
                for pointer in pointers:
                    found.overflow.extend(_overflow(data, size, base, pointer))
        else:
            raise LookupError(f"Page {page} of {name} is no b-tree page.")
    return found


def find_in_pages(store: Store, pages: list[int], size: int, needle: bytes) -> list[int]:
    """File offsets of `needle` inside these pages, or LookupError."""
    data = store.sqlite.read_bytes()
    found = []
    for page in pages:
        at = data.find(needle, (page - 1) * size, page * size)
        while at >= 0:
            found.append(at)
            at = data.find(needle, at + 1, page * size)
    if not found:
        raise LookupError("The text to damage is not in these pages.")
    return found


def flip_until_seen(
    store: Store, offsets: list[int], sql: str, values: tuple[Any, ...], bit: int = 0
) -> None:
    """Flip a bit at the offset that changes what `sql` gives; others may be dead page space."""

    def ask() -> Any:
        with store.raw() as db:
            return db.execute(sql, values).fetchall()

    before = ask()
    for offset in offsets:
        flip_bit(store.sqlite, offset, bit)
        if ask() != before:
            return
        flip_bit(store.sqlite, offset, bit)
    raise LookupError("No copy of the text to damage is in use.")


# --- recipes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """A fault before a store is known: whom it may hit, and how."""

    name: str
    family: str
    what: str
    pick: Pick
    act: Act
    needs_older: bool = False
    needs_non_root: bool = False


@dataclass
class Book:
    """The recipes of one family."""

    family: str
    recipes: list[Recipe] = field(default_factory=list)

    def add(
        self, name: str, what: str, pick: Pick, act: Act, *, older: bool = False,
        non_root: bool = False,
    ) -> None:  # fmt: skip
        """Enter a recipe."""
        self.recipes.append(Recipe(name, self.family, what, pick, act, older, non_root))

    def fault(
        self, what: str, pick: Pick = whole, *, older: bool = False, non_root: bool = False
    ) -> Callable[[Act], Act]:
        """Decorator: enter a function under its own name."""

        def enter(act: Act) -> Act:
            name = getattr(act, "__name__", "").strip("_")
            self.add(name, what, pick, act, older=older, non_root=non_root)
            return act

        return enter
