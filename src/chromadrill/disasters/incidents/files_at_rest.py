"""Damage to the files of a store that people met, and that no fault of the catalogue is."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from chromadrill.chroma.at_rest.index import HnswIndex
from chromadrill.disasters.catalogue.byte_edits import cut, patch
from chromadrill.disasters.catalogue.segment_files import RowLayout, read_pickle, write_pickle
from chromadrill.disasters.catalogue.store_editor import (
    BINS,
    PICKLE,
    SQLITE,
    Collection,
    StoreEditor,
)
from chromadrill.disasters.incidents.incident import BESIDE, Incidents, Places
from chromadrill.disasters.incidents.lab import Lab

FILES = Incidents("Damaged files of a store at rest")
CAPACITY_AT, COUNT_AT = 12, 20  # of max_elements and of the rows in use, in header.bin
DELETED_AT = 2  # of the mark of a deleted row, in the row


def largest_index(data: Path) -> Collection:
    """The collection with the largest index."""
    return next(c for c in StoreEditor(data).collections() if c.is_indexed)


@FILES.add(
    "capacity frozen",
    "MemPalace/mempalace#1222",
    "The capacity in the index's header stayed where it was while the rows went on.",
    check="structure",
)
def capacity_frozen(lab: Lab) -> Iterator[Places]:
    """header.bin allows 100 rows, and counts more."""
    data = lab.copy_of_store()
    patch(largest_index(data).directory / "header.bin", CAPACITY_AT, struct.pack("<Q", 100))
    yield {"data": data}


@FILES.add(
    "pickle alone",
    "chroma-core/chroma#872 chroma-core/chroma#868",
    "Cannot open header file: of an index the list of ids alone had been copied.",
    check="structure",
)
def pickle_alone(lab: Lab) -> Iterator[Places]:
    """The four .bin files of an index are missing, its pickle is there."""
    data = lab.copy_of_store()
    for name in BINS:
        (largest_index(data).directory / name).unlink()
    yield {"data": data}


def leave_pointer(file: Path) -> None:
    """Put what git LFS leaves in the place of a file's bytes."""
    size = file.stat().st_size
    digest = "ab" * 32
    file.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n"
    )


@FILES.add(
    "pointer instead of the database",
    "chroma-core/chroma#1628",
    "File is not a database, after the folder had travelled.",
    check="integrity",
)
def pointer_of_database(lab: Lab) -> Iterator[Places]:
    """chroma.sqlite3 is a pointer of git LFS."""
    data = lab.copy_of_store()
    leave_pointer(data / SQLITE)
    yield {"data": data}


@FILES.add(
    "pointers instead of the indexes",
    "chroma-core/chroma#4368",
    "The store had travelled by git LFS: its database came along, its indexes did not.",
    check="structure",
)
def pointers_of_indexes(lab: Lab) -> Iterator[Places]:
    """Every .bin file is a pointer of git LFS."""
    data = lab.copy_of_store()
    for file in data.glob("*/*.bin"):
        leave_pointer(file)
    yield {"data": data}


@FILES.add(
    "numbers as bytes",
    "chroma-core/chroma#4217 MemPalace/mempalace#664",
    "After an upgrade every call failed: u64 is not compatible with BLOB.",
    check="structure",
    since="0.2.0",
)
def numbers_as_bytes(lab: Lab) -> Iterator[Places]:
    """The watermarks are stored as bytes, as releases before 1.0 stored them."""
    data = lab.copy_of_store()
    with StoreEditor(data).edit() as db:
        rows = db.execute("SELECT segment_id, seq_id FROM max_seq_id").fetchall()
        for segment, number in rows:
            value = int(number).to_bytes(8, "big")
            db.execute("UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?", (value, segment))
    yield {"data": data}


@FILES.add(
    "poisoned by its repair",
    "MemPalace/mempalace#1134",
    "A repair script had raised every watermark: new writes were acknowledged and never appeared.",
    check="structure",
    message="new writes",
)
def poisoned_by_repair(lab: Lab) -> Iterator[Places]:
    """Every watermark is a number far beyond the log's."""
    data = lab.copy_of_store()
    with StoreEditor(data).edit() as db:
        db.execute("UPDATE max_seq_id SET seq_id = 1234567890123456789")
    yield {"data": data}


@FILES.add(
    "counter of elements left high",
    "amikos-tech/chromadb-ops#138",
    "resizeIndex failed to allocate: a rebuild had left the counter of the index high.",
    check="structure",
    since="0.2.0",
)
def counter_left_high(lab: Lab) -> Iterator[Places]:
    """The pickle of an index counts a million million elements."""
    data = lab.copy_of_store()
    file = largest_index(data).directory / PICKLE
    write_pickle(file, read_pickle(file) | {"total_elements_added": 10**12})
    yield {"data": data}


@FILES.add(
    "log left at home",
    "screenpipe/screenpipe#2907",
    "The database was copied without its write-ahead log: the newest writes were in that.",
    command=BESIDE,
    check="counts",
)
def log_left_at_home(lab: Lab) -> Iterator[Places]:
    """40 records stand in chroma.sqlite3-wal alone, and that is not in the copy."""
    seeded, data = lab.seeded_store(), lab.copy_of_store()
    without_log = shutil.ignore_patterns("*-wal", "*-shm")
    with StoreEditor(data).raw() as db:
        db.execute("CREATE TEMP TABLE newest AS SELECT * FROM embeddings ORDER BY id DESC LIMIT 40")
        db.execute("DELETE FROM embeddings WHERE id IN (SELECT id FROM newest)")
        db.execute("PRAGMA journal_mode = WAL").fetchall()
        db.execute("INSERT INTO embeddings SELECT * FROM newest")
        shutil.copytree(data, lab.folder / "copy", ignore=without_log)
    yield {"data": lab.folder / "copy", "before": seeded.before}


# ---- Chroma's own failures, seen here -----------------------------------------------------------
@FILES.add(
    "failed upsert, vectors gone",
    "",
    "An upsert was answered 500, failed to apply logs to the hnsw segment writer. The count was right,"
    " and 1,000 vectors were gone: seen here, on 1.5.9.",
    check="structure",
    message="have a label but no live row",
)
def failed_upsert(lab: Lab) -> Iterator[Places]:
    """Half of the ids of an index have a label and no row, and the log is purged."""
    data = lab.copy_of_store()
    index = largest_index(data).directory
    layout = RowLayout.read(index)
    rows = layout.count // 2
    os.truncate(index / "data_level0.bin", rows * layout.row_size)
    os.truncate(index / "length.bin", rows * 4)
    patch(index / "header.bin", COUNT_AT, struct.pack("<Q", rows))
    yield {"data": data}


# ---- power cuts: no index file is ever synced, the database is, and forgets what the index took in --
@FILES.add(
    "power cut, files without bytes",
    "chroma-core/chroma#6975 chroma-core/chroma#7463 ClickHouse/ClickHouse#111321",
    "2,500 acknowledged writes, half a second, power cut: none of them was readable.",
    check="structure",
)
def cut_before_writeback(lab: Lab) -> Iterator[Places]:
    """The four .bin files of an index have 0 bytes, its pickle is whole, the log is purged."""
    data = lab.copy_of_store()
    for name in BINS:
        cut(largest_index(data).directory / name, 0)
    yield {"data": data}


@FILES.add(
    "power cut, zeros at the end",
    "chroma-core/chroma#6975 chroma-core/chroma#7510",
    "The count was right, and the vectors of 1,000 records could not be read.",
    check="structure",
)
def cut_within_writeback(lab: Lab) -> Iterator[Places]:
    """The last 40 % of data_level0.bin are zeros: the length had been written, the bytes had not."""
    data = lab.copy_of_store()
    index = largest_index(data).directory
    header, rows = RowLayout.read(index), index / "data_level0.bin"
    start = header.count * 6 // 10 * header.row_size
    patch(rows, start, bytes(header.count * header.row_size - start))
    yield {"data": data}


@FILES.add(
    "snapshot without a freeze",
    "chroma-core/chroma#7047",
    "A block snapshot of a volume under load came back with its rows and without their vectors.",
    check="structure",
)
def snapshot_without_freeze(lab: Lab) -> Iterator[Places]:
    """data_level0.bin ends where the index's flush before the snapshot ended."""
    data = lab.copy_of_store()
    index = largest_index(data).directory
    header = RowLayout.read(index)
    os.truncate(index / "data_level0.bin", header.count * 6 // 10 * header.row_size)
    yield {"data": data}


@FILES.add(
    "killed within a flush, after deletions",
    "chroma-core/chroma#7678",
    "Killed while it wrote an index: each call was answered 500, failed to apply logs to the hnsw"
    " segment writer, after each start. Seen here on 1.5.9.",
    check="structure",
    since="0.2.0",
)
def killed_within_flush_after_deletions(lab: Lab) -> Iterator[Places]:
    """A row is marked deleted, and the pickle of the flush before still has its id."""
    data = lab.copy_of_store()
    directory = largest_index(data).directory
    index = HnswIndex(directory)
    row = int(index.rows_of(index.owned[:1])[0])
    patch(directory / "data_level0.bin", row * index.header.row_size + DELETED_AT, b"\1")
    yield {"data": data}
