"""The database file `chroma.sqlite3`, opened without touching the directory it lies in."""

from __future__ import annotations

import copy
import errno
import os
import shutil
import sqlite3
import stat
import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.records.no_room import NoRoom

FILE_NAME = "chroma.sqlite3"
# A damaged file can break the very text of SQLite's error message (UnicodeDecodeError).
DAMAGE = (sqlite3.Error, UnicodeError, OverflowError, MemoryError)
KNOWN_HEADS = {"sysdb": 10, "metadb": 6, "embeddings_queue": 2}
_OLDEST_HEADS = {"sysdb": 5, "metadb": 3, "embeddings_queue": 1}
_WRITTEN_BY = "0.4.24 or a release near it"
UPGRADE = (
    "On a copy of it start Chroma 0.6.3 once (pip install chromadb==0.6.3; chroma run --path COPY),"
    " which upgrades the files, stop it, and try again with that copy"
)
_TABLES = (
    "collections", "collection_metadata", "databases", "embedding_metadata", "embeddings",
    "embeddings_queue", "max_seq_id", "migrations", "segment_metadata", "segments", "tenants",
)  # fmt: skip
# SQLite lowers this to what it was built for, 1,000,000,000 bytes as a rule. Documents of hundreds of
# megabytes are served, so no lower limit of ours may call them damage.
_LONGEST_VALUE = 2**31 - 1
_NOT_WRITTEN = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_END_OF_PATH = struct.Struct(">II8s")  # behind the path: its length, its sum, and the magic


class StoreUnreadable(DrillError):
    """The data is missing, empty or damaged. The message is one sentence."""


class StoreUnknown(Unavailable):
    """The data cannot be judged: unknown format, or no permission. The message is one sentence."""


class Database:
    """A read-only connection to one store's SQLite file.

    `file` is the original, `source` the file that is read: the original, or a private copy of it
    with what its journal holds. `versions`: migration set -> number of its newest migration.
    """

    def __init__(self, directory: Path) -> None:
        """Open `directory`/chroma.sqlite3. Raises StoreUnreadable or StoreUnknown."""
        self.file = directory / FILE_NAME
        self._copies = ExitStack()
        try:
            _require_sqlite(directory, self.file)
            self.source = self._copies.enter_context(whole_file(self.file))
            self.connection = self._connect()
            self.tables = {
                name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type='table'")
            }
            self.versions = self._read_versions()
        except PermissionError as error:
            self.close()
            raise StoreUnknown(f"{self.file} may not be read by this user.") from error
        except OSError as error:
            self.close()
            raise StoreUnreadable(f"{self.file} cannot be read: {error.strerror}.") from error
        except DAMAGE as error:
            self.close()
            raise StoreUnreadable(f"{self.file} is damaged: {error}.") from error
        except (StoreUnreadable, StoreUnknown):
            self.close()
            raise

    def twin(self) -> Database:
        """Return a second connection to the same file, for another thread; it ends with this one's."""
        twin = copy.copy(self)
        twin._copies = ExitStack()
        twin.connection = self._connect()
        return twin

    def interrupt(self) -> None:
        """End a query that another thread runs."""
        self.connection.interrupt()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(immutable_uri(self.source), uri=True, isolation_level=None)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _read_versions(self) -> dict[str, int]:
        # Only real tables are read: a view of the same name could run for ever.
        missing = [name for name in _TABLES if name not in self.tables]
        if "migrations" in missing or len(missing) > len(_TABLES) // 2:
            raise StoreUnreadable(f"{self.file} holds no Chroma tables.")
        heads = {
            str(name): int(version)
            for name, version in self.rows("SELECT dir, max(version) FROM migrations GROUP BY dir")
            if isinstance(version, int)
        }
        for name, head in heads.items():
            if head > KNOWN_HEADS.get(name, 0):
                raise StoreUnknown(
                    f"The store's format is newer than this reader knows ({name} {head})."
                )
        for name, oldest in _OLDEST_HEADS.items():
            if heads.get(name, 0) < oldest:
                raise StoreUnknown(
                    f"The store's format is older than this reader knows "
                    f"({name} {heads.get(name, 'absent')}): Chroma {_WRITTEN_BY} wrote it. Nothing"
                    f" was read. {UPGRADE}."
                )
        if missing:
            raise StoreUnreadable(f"{self.file} has lost its table {missing[0]}.")
        return heads

    def rows(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of one query. Raises StoreUnreadable where SQLite finds damage."""
        with self._sentences():
            yield from self.connection.execute(sql, values)

    def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query that has few: quicker than one by one. Raises StoreUnreadable."""
        with self._sentences():
            return self.connection.execute(sql, values).fetchall()

    def column(self, sql: str, *values: Any, is_hashed: bool = False) -> npt.NDArray[np.int64]:
        """Return the only column of a query: integers, or Python's hashes of whatever it holds.

        No step of ours for each row. Raises StoreUnreadable.
        """
        try:
            with self._sentences():
                cells = chain.from_iterable(self.connection.execute(sql, values))
                return np.fromiter(map(hash, cells) if is_hashed else cells, np.int64)
        except (TypeError, ValueError) as error:  # damage of the schema lets anything be there
            raise StoreUnreadable(f"{self.file} is damaged: a row number is none.") from error

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except MemoryError as error:
            raise StoreUnknown(f"{self.file}: not enough memory to read it.") from error
        except DAMAGE as error:
            if self._is_limit(error):
                raise StoreUnknown(
                    f"{self.file} holds a value longer than this SQLite reads: {error}. That is no"
                    " damage, and it was not compared."
                ) from error
            raise StoreUnreadable(f"{self.file} is damaged: {error}.") from error

    def _is_limit(self, error: BaseException) -> bool:
        # a damaged row can claim any length: only a larger file can hold a value beyond the limit
        limit = self.connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH)
        code = getattr(error, "sqlite_errorcode", None)
        return code == sqlite3.SQLITE_TOOBIG and self.file.stat().st_size > limit

    def one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None. Raises StoreUnreadable."""
        return next(self.rows(sql, *values), None)

    def columns(self, table: str) -> set[str]:
        """Return the column names of a table: older servers have fewer."""
        return {str(row[1]) for row in self.rows(f"PRAGMA table_info({table})")}

    def close(self) -> None:
        """Close the connection and remove the private copy, if there was one."""
        connection = getattr(self, "connection", None)
        if connection is not None:
            connection.close()
        self._copies.close()


def immutable_uri(file: Path) -> str:
    """Return SQLite's name for a file that it must neither change nor lock; any bytes may be in it."""
    return f"file:{quote(os.fsencode(file.absolute()))}?mode=ro&immutable=1"


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Yield a file that holds all of the database `file` by itself, and may be read as immutable.

    It is `file` where no journal lies beside it; else a private copy, in which a hot journal is rolled
    back, or a write-ahead log taken in. Raises NoRoom, OSError, StoreUnreadable, and what SQLite raises
    of damage.
    """
    sidecars = [sidecar for sidecar in _sidecars(file) if sidecar.stat().st_size]
    if not sidecars:
        yield file
        return
    for sidecar in sidecars:
        if names_a_file(sidecar):
            raise StoreUnreadable(
                f"{sidecar} names another file, which SQLite would remove; Chroma writes no such"
                " journal."
            )
    # A read-only connection cannot do that, and an immutable one silently skips it: the answer would be
    # half a transaction, or what stood before the log.
    with tempfile.TemporaryDirectory(prefix="chromadrill-") as folder:
        for one in (file, *sidecars):
            copy_privately(one, Path(folder) / one.name)
        copy = Path(folder) / file.name
        take_in_journal(copy, file)
        yield copy


def take_in_journal(copy: Path, original: Path) -> None:
    """Roll back a private copy of `original`, or take its write-ahead log in, where one lies beside it.

    Raises NoRoom, and what SQLite raises of damage.
    """
    size = sum(one.stat().st_size for one in (copy, *_sidecars(copy)))
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _NOT_WRITTEN:
            raise NoRoom(f"A private copy of {original}", size) from error
        raise


def names_a_file(journal: Path) -> bool:
    """Whether a journal ends with a path, as that of a transaction over several databases does.

    SQLite removes that file once it has rolled back, wherever it is. Chroma has one database.
    """
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _END_OF_PATH.size))
        end = file.read()
    if len(end) < _END_OF_PATH.size:
        return False
    length, _, magic = _END_OF_PATH.unpack(end)
    return bool(length and magic == _JOURNAL_MAGIC)


def copy_privately(source: Path, target: Path) -> None:
    """Copy a file into a temporary folder. Raises NoRoom, which says nothing of the source."""
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoRoom(f"A private copy of {source}", source.stat().st_size) from error
        raise


def _sidecars(file: Path) -> list[Path]:
    names = (f"{file.name}-journal", f"{file.name}-wal")
    return [p for p in map(file.with_name, names) if p.is_file()]


def _require_sqlite(directory: Path, file: Path) -> None:
    if not directory.is_dir():
        raise StoreUnreadable(f"{directory} is not a directory.")
    try:
        details = file.stat()
    except FileNotFoundError:
        raise StoreUnreadable(f"{directory} holds no {FILE_NAME}.") from None
    if not stat.S_ISREG(details.st_mode):
        raise StoreUnreadable(f"{file} is not a regular file.")
    with file.open("rb") as handle:
        if handle.read(16) != b"SQLite format 3\0":
            raise StoreUnreadable(f"{file} is {'empty' if not details.st_size else 'not SQLite'}.")
