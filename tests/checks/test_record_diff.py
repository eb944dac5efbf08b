"""Two streams of records are compared as two dictionaries would be, whatever the batches."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromadrill.checks import record_diff
from chromadrill.chroma.fingerprint.digests import RECORDS, sketch
from chromadrill.core.records.streams import RecordsInMemory, slices

rows = st.lists(
    st.tuples(
        st.text(alphabet="ab\U0001f600", max_size=3),
        st.sampled_from([None, b"d" * 16, b"e" * 16]),
        st.sampled_from([None, '{"n":1}', '{"n":1.0}']),
        st.sampled_from([None, 1.0, 1.0000001, 2.0]),
    ),
    max_size=25,
)


class Batches:
    """The same records, a few to a table."""

    def __init__(self, whole, size):
        self._whole, self._size = whole, size

    def __len__(self):
        return len(self._whole)

    def batches(self):
        for table in self._whole.batches():
            yield from slices(table, self._size)


def records(given_rows):
    ids, documents, metadata, vectors = zip(*given_rows, strict=True) if given_rows else [()] * 4
    return RecordsInMemory(
        pa.Table.from_arrays(
            [
                pa.array(ids, pa.string()),
                pa.array(documents, pa.binary(16)),
                pa.array([document and 3 for document in documents], pa.int32()),
                pa.array(metadata, pa.string()),
                pa.nulls(len(ids), pa.binary(16)),
                pa.array([v and np.float64(v).tobytes() * 2 for v in vectors], pa.binary(16)),
                pa.array(
                    [v and sketch(np.array([[v, 0.0]]))[0] for v in vectors],
                    RECORDS.field("sketch").type,
                ),
            ],
            schema=RECORDS,
        )
    )


def plainly(before, after):
    """(field, kind) -> ids, by dictionaries."""
    was, now = defaultdict(list), defaultdict(list)
    for side, given_rows in ((was, before), (now, after)):
        for row in given_rows:
            side[row[0]].append(row)
    answer = defaultdict(set)
    for id_ in was.keys() | now.keys():
        one, other = was[id_], now[id_]
        if len(one) != len(other):
            kind = "missing" if not other else "extra" if not one else "doubled"
            answer["record", kind].add(id_)
            continue
        for place, name in ((1, "document"), (2, "metadata"), (3, "vector")):
            if any(a[place] != b[place] for a, b in zip(one, other, strict=True)):
                answer[name, "changed"].add(id_)
    return dict(answer)


@settings(deadline=None, max_examples=60)
@given(rows, rows, st.integers(1, 5))
def test_streams_differ_as_dictionaries_do(before, after, size):
    one, other = (Batches(records(side), size) for side in (before, after))
    diff = record_diff.compare("k", one, other)
    answer = {(d.field, "changed" if d.field in record_diff.FIELDS else d.kind): set(d.ids)
              for d in diff.differences}  # fmt: skip
    assert answer == plainly(before, after)
    for difference in diff.differences:
        assert list(difference.ids) == sorted(difference.ids, key=str.encode)


@settings(deadline=None, max_examples=60)
@given(rows)
def test_records_are_equal_to_themselves_in_any_order(given_rows):
    unique = list({row[0]: row for row in given_rows}.values())
    diff = record_diff.compare("k", records(unique), records(unique[::-1]), tolerant=True)
    assert (diff.differences, diff.drift, diff.compared) == ([], 0.0, len(unique))


def test_a_million_lost_ids_are_counted_and_only_the_first_named():
    many = [(f"r{n:05}", None, None, None) for n in range(record_diff.NAMED + 500)]
    (lost,) = record_diff.compare("k", records(many), records([])).differences
    assert (lost.kind, lost.count, len(lost.ids)) == ("missing", len(many), record_diff.NAMED)
    assert f"missing record of {len(many)} ids: r00000, " in str(lost)


@pytest.mark.parametrize(
    ("moved", "field"), [(1.0000001, []), (1.1, ["vector"]), (None, ["vector"])]
)
def test_drift_is_forgiven_and_a_lost_vector_is_not(moved, field):
    before, after = ([("a", None, None, v)] for v in (1.0, moved))
    diff = record_diff.compare("k", records(before), records(after), tolerant=True)
    assert [d.field for d in diff.differences] == field
    assert moved is None or diff.drift == pytest.approx(moved - 1, rel=0.2)
