"""Sorted streams of records: aligned, merged and spooled, they are what plain memory would give."""

import gc
import itertools
import resource
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromadrill.core.records import sorter as sorting
from chromadrill.core.records.alignment import align, merge
from chromadrill.core.records.no_room import NoRoom
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool
from chromadrill.core.records.streams import RecordsInMemory, regrouped

# few letters, so that ids come twice; of one to four bytes in UTF-8, whose order is code points'
ids = st.lists(st.text(alphabet="aé\uffff\U0001f600", max_size=3), max_size=40)
sizes = st.integers(1, 7)


few = settings(deadline=None, max_examples=50)


def table(names):
    return pa.table(
        {"id": pa.array(names, pa.string()), "n": pa.array(range(len(names)), pa.int64())}
    )


def stream(names, size):
    rows = table(sorted(names, key=str.encode))
    return [rows.slice(start, size) for start in range(0, len(rows), size)] or [rows]


def ids_of(rows):
    return rows["id"].to_pylist()


@few
@given(st.lists(st.tuples(ids, sizes), min_size=1, max_size=3))
def test_aligned_streams_hold_every_row_once_and_all_of_an_id_together(sides):
    tuples = list(align(*(stream(names, size) for names, size in sides)))
    for place, (names, _) in enumerate(sides):
        rows = [id_ for parts in tuples for id_ in ids_of(parts[place])]
        assert rows == sorted(names, key=str.encode)
    homes = [{id_ for part in parts for id_ in ids_of(part)} for parts in tuples]
    for one, other in itertools.pairwise(homes):
        assert max(one) < min(other)


@few
@given(st.lists(st.tuples(ids, sizes), max_size=5))
def test_merged_runs_are_one_sorted_stream(sides):
    merged = [id_ for part in merge(stream(*side) for side in sides) for id_ in ids_of(part)]
    assert merged == sorted((id_ for names, _ in sides for id_ in names), key=str.encode)


@few
@given(st.lists(ids, max_size=6), st.sampled_from([0, 100, 1 << 20]), st.sampled_from([1, 300]))
def test_sorter_gives_the_same_rows_from_memory_and_from_disk(pages, memory, run_bytes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "RUN_BYTES", run_bytes)
        patch.setattr(sorting, "RUN_ROWS", 3)
        sorter = Sorter(Spool(memory))
        for page in pages:
            sorter.add(table(page))
        records = sorter.records()
    wanted = Counter(row for page in pages for row in enumerate(page))
    rows = [row for part in records.batches() for row in part.to_pylist()]
    assert Counter((row["n"], row["id"]) for row in rows) == wanted
    assert [row["id"] for row in rows] == sorted((i for _, i in wanted.elements()), key=str.encode)
    assert len(records) == len(rows) == sum(map(len, records.batches()))


@few
@given(ids, sizes, st.integers(1, 9))
def test_regrouped_tables_hold_the_same_rows(names, size, rows):
    parts = list(regrouped(stream(names, size), rows))
    assert [id_ for part in parts for id_ in ids_of(part)] == sorted(names, key=str.encode)
    assert all(len(part) == rows for part in parts[:-1])


def test_records_in_memory_are_sorted_by_bytes():
    records = RecordsInMemory(table(["b", "\U0001f600", "\uffff", "a"]))
    assert [id_ for part in records.batches() for id_ in ids_of(part)] == [
        "a", "b", "\uffff", "\U0001f600",
    ]  # fmt: skip


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_small_spool_writes_nothing_and_a_large_one_has_one_file_without_a_name(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gc.collect()  # else what an earlier test left is closed in between
    before = open_files()
    spool = Spool(memory=1000)
    small = spool.put(table(["a"]))
    assert open_files() == before
    large = [spool.put(table([str(n) for n in range(1000)])) for _ in range(3)]
    assert open_files() == before + 1
    assert list(tmp_path.iterdir()) == []
    assert ids_of(spool.get(small)) == ["a"]
    assert [len(spool.get(slot)) for slot in large] == [1000] * 3
    del spool
    assert open_files() == before


def test_no_room_for_the_records_is_said_in_a_sentence():
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(NoRoom, match=r"does not fit in the temporary folder .*TMPDIR"):
            Spool(memory=0).put(table([str(n * 7919) for n in range(10_000)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
