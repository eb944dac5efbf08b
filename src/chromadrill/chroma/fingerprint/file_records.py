"""The records inside a fingerprint file, read table by table where they are too many for memory."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chromadrill.core.records.streams import BATCH_ROWS, Records, RecordsInMemory, slices

MEMORY = 4 << 20  # a smaller table is read at once, and its file is let go
MEMBER = "records.parquet"
OWNER = "collection"
_LOCAL_HEADER = struct.Struct("<26xHH")  # ends with the lengths of the name and of the extra field


class _Stretch(NamedTuple):
    """Rows of one collection within one row group."""

    group: int
    start: int
    rows: int


def read_records(path: Path, schema: pa.Schema, collections: int) -> list[Records]:
    """Return the records of each collection of a whole fingerprint file, in their order in the file.

    Raises ValueError, OSError or an error of pyarrow or zipfile for a file that is something else.
    """
    section = open_member(path)
    source = pq.ParquetFile(pa.PythonFile(section, mode="r"))
    if source.schema_arrow.names != schema.names:
        raise ValueError(f"wanted the columns {schema.names}, got {source.schema_arrow.names}")
    if section.size <= MEMORY:
        with section:
            table = source.read(use_threads=False)
        owners = table.column(OWNER).to_numpy()
        rows = table.drop_columns([OWNER])
        bounds = np.searchsorted(owners, np.arange(collections + 1))
        return [
            RecordsInMemory(rows.slice(start, end - start))
            for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        ]
    stretches: list[list[_Stretch]] = [[] for _ in range(collections)]
    for group in range(source.num_row_groups):
        owners = source.read_row_group(group, [OWNER], use_threads=False).column(0).to_numpy()
        edges = np.flatnonzero(np.diff(owners)) + 1
        for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(owners)], strict=True):
            if end > start:
                stretches[owners[start]].append(_Stretch(group, start, end - start))
    names = [name for name in schema.names if name != OWNER]
    return [RecordsInFile(source, names, parts) for parts in stretches]


class RecordsInFile:
    """Records of one collection in a fingerprint file, which stays open as long as they are in use."""

    def __init__(
        self, source: pq.ParquetFile, columns: Sequence[str], stretches: Sequence[_Stretch]
    ) -> None:
        self._source, self._columns, self._stretches = source, list(columns), stretches

    def __len__(self) -> int:
        return sum(stretch.rows for stretch in self._stretches)

    def batches(self) -> Iterator[pa.Table]:
        """Yield the rows in their order, BATCH_ROWS to a table at most."""
        for group, start, rows in self._stretches:
            table = self._source.read_row_group(group, self._columns, use_threads=False)
            yield from slices(table.slice(start, rows), BATCH_ROWS)


def open_member(path: Path) -> Section:
    """Open the Parquet file within the zip. Raises ValueError where it is packed."""
    file = path.open("rb", buffering=0)
    try:
        with zipfile.ZipFile(file) as archive:
            member = archive.getinfo(MEMBER)
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{MEMBER} is packed")
        name, extra = _LOCAL_HEADER.unpack(
            os.pread(file.fileno(), _LOCAL_HEADER.size, member.header_offset)
        )
        start = member.header_offset + _LOCAL_HEADER.size + name + extra
        return Section(file, start, member.file_size)
    except BaseException:
        file.close()
        raise


class Section(io.RawIOBase):
    """A stretch of a file as a file of its own. zipfile's own reader reads on to where it seeks."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self.size = file, start, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self.size - self._at))
        data = os.pread(self._file.fileno(), wanted, self._start + self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
