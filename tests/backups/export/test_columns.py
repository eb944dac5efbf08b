"""Other tools read an exported Parquet file, with natural columns.

They are imported where they are used: every worker imports all test files.
"""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chromadrill.backups.export.types import MAX_COLUMNS, column_types
from tests.backups.export.sample_collections import (
    KEY,
    contents,
    fingerprint,
    info,
    page,
    rows,
    table,
    write,
)

METADATAS = [
    {"i": 2**53 + 1, "f": 2.0, "b": True, "s": "x", "a.b": ["u", "v"], 'q"$': [1], "mixed": 1},
    {"i": -(2**63), "f": 0.5, "b": False, "s": "", "a.b": [], 'q"$': [2**62], "mixed": 1.0},
    None,
]


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "e.parquet", [(info(), [page(metadatas=METADATAS)])])
    return tmp_path / "e.parquet"


def types(*metadatas):
    return column_types(table([page(len(metadatas), metadatas=list(metadatas))]))


def test_each_key_gets_the_one_type_of_its_values():
    assert types(*METADATAS) == {
        "a.b": pa.list_(pa.string()), "b": pa.bool_(), "f": pa.float64(), "i": pa.int64(),
        'q"$': pa.list_(pa.int64()), "s": pa.string(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (1.0, True), ("1", 1), ([1], [1.0]), ([1], 1), ({}, 1)]
)
def test_mixed_types_get_no_column(one, other):
    assert types({"k": one}, {"k": other}) == types({"k": other}, {"k": one}) == {}


@pytest.mark.parametrize("value", [None, [], {"#type": "x"}, [1, True], [[1]], [None], 2**63])
def test_what_has_no_natural_type_gets_no_column(value):
    assert types({"k": value}) == {}


def test_nulls_and_empty_lists_do_not_decide_the_type():
    assert types({"k": None}, {"k": []}, {"k": [True]}, None) == {"k": pa.list_(pa.bool_())}


def test_keys_that_are_data_get_no_thousands_of_columns():
    assert len(types({f"k{n}": n for n in range(3 * MAX_COLUMNS)})) == MAX_COLUMNS


def test_pandas_sees_natural_columns(path):
    import pandas

    frame = pandas.read_parquet(path, dtype_backend="pyarrow")
    assert frame["metadata.i"].tolist()[:2] == [2**53 + 1, -(2**63)]
    assert frame["metadata.b"].tolist()[:2] == [True, False]
    assert [list(texts) for texts in frame["metadata.a.b"][:2]] == [["u", "v"], []]
    assert frame["document"].tolist()[:2] == ["document 0", "document 1"]
    assert len(frame["vector"][0]) == 4
    assert len(pandas.read_parquet(path)) == 3


def test_polars_sees_natural_columns(path):
    import polars

    frame = polars.read_parquet(path)
    assert frame["metadata.i"].to_list() == [2**53 + 1, -(2**63), None]
    assert frame["metadata.f"].to_list() == [2.0, 0.5, None]
    assert frame['metadata.q"$'].to_list() == [[1], [2**62], None]
    assert frame["vector"].to_list() == page().vectors.tolist()


def test_duckdb_sees_natural_columns(path):
    import duckdb

    rows = duckdb.sql(f"""select id, "metadata.i", "metadata.a.b", vector from '{path}'
                           where "metadata.b" """).fetchall()  # fmt: skip
    assert [row[:3] for row in rows] == [("r0", 2**53 + 1, ["u", "v"])]
    assert list(rows[0][3]) == page().vectors[0].tolist()


def test_text_of_the_metadata_is_the_truth(path):
    assert contents(path)[KEY][4] == rows([page(metadatas=METADATAS)])
    text = pq.read_table(path)["metadata"].to_pylist()[1]
    assert text.endswith('"mixed":1.0,"q\\"$":[4611686018427387904],"s":""}')


def test_value_that_lost_its_type_since_is_null_in_its_column_only(tmp_path):
    changed = page(metadatas=[{"k": 1}, {"k": 2.0}, {"k": True}])
    before = page(metadatas=[{"k": 1}, {"k": 2}, {"k": 3}])
    write(tmp_path / "e.parquet", [(info(), [changed])], seal=fingerprint([(info(), [before])]))
    assert pq.read_table(tmp_path / "e.parquet")["metadata.k"].to_pylist() == [1, None, None]
    assert contents(tmp_path / "e.parquet")[KEY][4] == rows([changed])
