"""Equal sides have no candidate; every kind of difference is one. Random histories on both sides."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.chroma.fingerprint.digests import record_table
from chromadrill.core.model import Page
from chromadrill.core.records.streams import RecordsInMemory
from chromadrill.recovery.reconcile.candidates import IDS, compare

IDS_OF = st.text("abcé\U0001f600", min_size=1, max_size=3)
METADATA = st.none() | st.dictionaries(
    st.sampled_from("kl"), st.sampled_from([1, 1.0, "1", True]), min_size=1
)
CONTENT = st.tuples(st.text("xy", max_size=2), METADATA)
SIDE = st.dictionaries(IDS_OF, CONTENT, max_size=25)
STEP = st.tuples(st.sampled_from(["put", "delete"]), IDS_OF, CONTENT)


def table(side, *, width=4):
    ids = list(side)
    return record_table(
        Page(
            ids=ids,
            documents=[side[record][0] for record in ids],
            metadatas=[side[record][1] for record in ids],
            uris=[None] * len(ids),
            vectors=np.ones((len(ids), width), np.float32),
        )
    )


def in_parts(whole, size):
    """Sorted, `size` rows to a table: tables end in the midst of the other side's."""
    (rows,) = RecordsInMemory(whole).batches() if len(whole) else (whole,)
    return [rows.slice(start, size) for start in range(0, len(rows), size)]


def candidates(rows, records, *, sizes=(3, 4, 5), listed=None):
    ids = sorted(records if listed is None else listed)
    listing = pa.table({"id": pa.array(ids, pa.string())}, schema=IDS)
    streams = (
        in_parts(table(rows), sizes[0]),
        in_parts(table(records), sizes[1]),
        in_parts(listing, sizes[2]),
    )
    parts = list(compare(*streams))
    found = [one for part, _ in parts for one in part.to_pylist()]
    same = [record for _, part in parts for record in part["id"].to_pylist()]
    return found, same


@given(st.lists(STEP, max_size=60), st.permutations([3, 4, 5]))
def test_equal_stores_have_no_candidate_whatever_became_of_them_before(history, sizes):
    state = {}
    for step, record, content in history:
        if step == "put":
            state[record] = content
        else:
            state.pop(record, None)
    # the store was written in another order, and its ids come in it
    shuffled = dict(sorted(state.items(), key=lambda item: hash(item[0])))
    found, same = candidates(state, shuffled, sizes=sizes)
    assert found == []
    assert sorted(same) == sorted(state)


@given(SIDE, SIDE, st.permutations([3, 4, 5]))
def test_exactly_what_differs_is_a_candidate_and_each_side_is_what_it_was(rows, records, sizes):
    found, same = candidates(rows, records, sizes=sizes)
    typed = {record: (text, repr(sorted((m or {}).items()))) for record, (text, m) in rows.items()}
    other = {r: (text, repr(sorted((m or {}).items()))) for r, (text, m) in records.items()}
    wanted = {r for r in {*rows, *records} if typed.get(r) != other.get(r)}
    assert sorted(one["id"] for one in found) == sorted(wanted)
    for one in found:
        assert one["in_row"] == (one["id"] in rows)
        assert one["in_record"] == (one["id"] in records)
    # vectors are judged where the text is the row's, whatever the metadata are
    assert sorted(same) == sorted(r for r in {*rows} & {*records} if rows[r][0] == records[r][0])


def test_record_that_paging_passed_over_is_a_candidate_that_nobody_knows():
    both = {"a": ("x", None), "b": ("y", None)}
    found, _ = candidates(both, both, listed=["a", "b", "late"])
    assert [(one["id"], one["in_row"], one["in_record"]) for one in found] == [("late", None, None)]


def test_record_that_paging_read_twice_is_a_candidate_once_and_still_compared():
    rows = {"a": ("x", None), "b": ("y", None)}
    records = pa.concat_tables([table(rows), table({"b": ("y", None)})])
    parts = list(compare(in_parts(table(rows), 9), in_parts(records, 9), []))
    assert [one["id"] for part, _ in parts for one in part.to_pylist()] == ["b"]
    assert [record for _, part in parts for record in part["id"].to_pylist()] == ["a", "b"]


def test_lost_vector_and_one_without_direction_are_candidates():
    rows = dict.fromkeys("abcd", ("x", None))
    vectors = np.ones((4, 4), np.float32)
    vectors[2], vectors[3, 1] = 0, np.nan
    page = Page(list(rows), ["x"] * 4, [None] * 4, [None] * 4, vectors, without_vector=(1,))
    parts = list(compare([table(rows)], [record_table(page)], []))
    assert [one["id"] for part, _ in parts for one in part.to_pylist()] == ["b", "c", "d"]
    assert [record for _, part in parts for record in part["id"].to_pylist()] == ["a"]


def test_store_without_a_record_and_source_without_a_row_are_compared():
    side = {"a": ("x", None)}
    for rows, records in ((side, {}), ({}, side)):
        found, same = candidates(rows, records)
        assert [one["id"] for one in found] == ["a"]
        assert same == []
