"""What is exported comes back bit for bit, in every format."""

import json

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chromadrill.backups.export.formats import open_export, suffix_of
from chromadrill.backups.export.types import ExportRefused
from chromadrill.core.errors import DrillError, UsageError
from tests.backups.export.sample_collections import (
    KEY,
    SUFFIXES,
    contents,
    fingerprint,
    info,
    page,
    rows,
    table,
    write,
    write_unsealed,
)
from tests.conftest import whole

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "/", "a/b", "a.b", 'q"q', "$in", "\x00", "\n", "\u2028", "\x1f", "ключ", "x" * 10_000,
     '{"id":', '],"end":', ',"sha256":"' + "0" * 64, "metadata", "list.element"]
)  # fmt: skip
INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(
    [0, 1, 2**53 + 1, 2**63 - 1, -(2**63)]
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, 2.0])
SCALARS = [TEXT, INTEGERS, FLOATS, st.booleans()]
LISTS = st.one_of([st.lists(scalar, max_size=3) for scalar in SCALARS])
METADATA = st.none() | st.dictionaries(TEXT, st.one_of(*SCALARS, LISTS, st.none()), max_size=4)
# ids are unique in Chroma, and a shared key makes types meet
SHARED = METADATA.flatmap(
    lambda some: st.one_of(*SCALARS, LISTS).map(lambda value: {**(some or {}), "same": value})
)
NUMBERS = st.integers(0, 2**32 - 1).map(lambda bits: np.uint32(bits).view(np.float32).item())


@st.composite
def pages(draw, dimension):
    some = []
    for number in range(draw(st.integers(0, 2))):
        n = draw(st.integers(1, 4))
        bits = draw(st.lists(NUMBERS, min_size=8, max_size=8))
        flat = np.resize(np.nan_to_num(np.array(bits, np.float32)), n * dimension)
        without = draw(st.sets(st.integers(0, n - 1)))
        vectors = flat.reshape(n, dimension).copy()
        vectors[list(without)] = 0
        some.append(
            page(
                n, dimension,
                ids=[f"{number}-{at}-{draw(TEXT)}" for at in range(n)],
                documents=[draw(st.none() | TEXT) for _ in range(n)],
                metadatas=[draw(METADATA | SHARED) for _ in range(n)],
                uris=[draw(st.none() | TEXT) for _ in range(n)],
                vectors=vectors, without_vector=tuple(sorted(without)),
            )
        )  # fmt: skip
    return some


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@QUICK
@given(data=st.data(), dimension=st.integers(1, 400), size=st.sampled_from([1, 2, 1000]))
def test_hostile_records_come_back_bit_for_bit(tmp_path, suffix, data, dimension, size):
    collections = [(info(dimension=dimension), data.draw(pages(dimension)))]
    if suffix != ".parquet":
        other = info(name='do"cs', tenant="другой", dimension=None)
        collections.append((other, data.draw(pages(3))))
    path = tmp_path / f"export{suffix}"
    sealed = write(path, collections)

    back = contents(path, size)

    assert list(back) == list(sealed.collections)
    for (one, written), actual in zip(collections, back.values(), strict=True):
        print_ = sealed.collections[one.key]
        assert actual == (one, print_.count, print_.answers, print_.recall, rows(written))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_collection_travels(tmp_path, suffix):
    write(tmp_path / f"e{suffix}", [(info(dimension=None), [])])
    assert contents(tmp_path / f"e{suffix}")[KEY][4] == []


@pytest.mark.parametrize("suffix", SUFFIXES[:3])
def test_database_without_collections_travels(tmp_path, suffix):
    write(tmp_path / f"e{suffix}", [])
    assert contents(tmp_path / f"e{suffix}") == {}
    if suffix == ".json":
        assert json.loads((tmp_path / "e.json").read_text())["collections"] == []


def test_float32_text_reads_back_bit_equal():
    bits = np.random.default_rng(5).integers(0, 2**32, 1_000_000, dtype=np.uint64)
    bits = bits.astype(np.uint32)
    bits[:300_000] &= np.uint32(0x807FFFFF)  # subnormals and zeros of both signs
    floats = bits.view(np.float32)
    floats = floats[np.isfinite(floats)]
    text = orjson.dumps(floats, option=orjson.OPT_SERIALIZE_NUMPY)
    assert np.asarray(orjson.loads(text), np.float32).tobytes() == floats.tobytes()


def test_json_is_one_valid_document_with_a_line_for_each_record(tmp_path):
    path = tmp_path / "e.json"
    write(path, [(info(), [page(), page(2, ids=["x", "y"])]), (info("other"), [])])
    with path.open() as file:
        document = json.load(file)
    docs, other = document["collections"]
    assert [record["id"] for record in docs["records"]] == ["r0", "r1", "r2", "x", "y"]
    assert other["records"] == []
    assert document["head"]["schema"] == "chromadrill/export/1"
    assert document["seal"]["records"] == docs["end"]["count"] == 5
    assert sum(line.startswith(b'{"id":') for line in path.read_bytes().splitlines()) == 5


def test_a_collection_has_the_same_checksum_in_json_and_jsonl(tmp_path):
    write(tmp_path / "e.json", [(info(), [page()])])
    write(tmp_path / "e.jsonl", [(info(), [page()])])
    document = json.loads((tmp_path / "e.json").read_text())["collections"][0]["end"]
    lines = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert document == next(line["end"] for line in lines if "end" in line)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_large_collection_comes_back_in_pages(tmp_path, suffix):
    many = [page(1000, 3, ids=[f"{n}-{at}" for at in range(1000)]) for n in range(12)]
    write(tmp_path / f"e{suffix}", [(info(dimension=3), many)])
    assert contents(tmp_path / f"e{suffix}", 700)[KEY][4] == rows(many)


@pytest.mark.parametrize("suffix", SUFFIXES[:3])
def test_vector_that_json_cannot_write_names_its_record(tmp_path, suffix):
    vectors = page().vectors.copy()
    vectors[1, 2] = np.nan
    with pytest.raises(DrillError, match="'r1': its vector holds NaN"):
        write(tmp_path / f"e{suffix}", [(info(), [page(vectors=vectors)])])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metadata_that_json_cannot_write_names_its_record(tmp_path, suffix):
    for value in (float("inf"), [1.0, float("nan")], {"#type": "sparse", "values": [-np.inf]}):
        with pytest.raises(DrillError, match="'r2': its metadata holds NaN"):
            write(tmp_path / f"e{suffix}", [(info(), [page(metadatas=[None, {}, {"a": value}])])])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_records_that_the_fingerprint_does_not_know_are_not_sealed(tmp_path, suffix):
    other = fingerprint([(info(), [page(2)])])
    with pytest.raises(DrillError, match="wanted 2 records, got 3"):
        write(tmp_path / f"e{suffix}", [(info(), [page()])], seal=other)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_lone_surrogate_is_an_error_that_says_where(tmp_path, suffix):
    with pytest.raises(DrillError, match=r"'r[01]'"):
        write_unsealed(tmp_path / f"e{suffix}", page(documents=["a", "\ud800", None]))


def test_parquet_holds_one_collection(tmp_path):
    with pytest.raises(UsageError, match="holds one collection"):
        write(tmp_path / "e.parquet", [(info(), []), (info("other"), [])])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vectors_of_another_width_are_an_error(tmp_path, suffix):
    with pytest.raises(DrillError, match="wanted vectors of 7 numbers, got 4"):
        write(tmp_path / f"e{suffix}", [(info(dimension=7), [page()])])


def test_unknown_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match=r"\.jsonl\.zst"):
        suffix_of("export.csv")
    (tmp_path / "export.csv").touch()
    with pytest.raises(UsageError, match=r"\.parquet"):
        open_export(tmp_path / "export.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_is_readable_by_its_owner_alone(tmp_path, suffix):
    write(tmp_path / f"e{suffix}", [(info(), [page()])])
    assert (tmp_path / f"e{suffix}").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_records_rebuild_the_tables_of_the_fingerprint(tmp_path, suffix):
    sealed = write(tmp_path / f"e{suffix}", [(info(), [page()])])
    reader = open_export(tmp_path / f"e{suffix}")
    assert len(reader.fingerprint.collections[KEY].records) == 0
    assert whole(table(list(reader.pages(KEY)))).equals(whole(sealed.collections[KEY].records))
    with pytest.raises(UsageError, match="Did you mean"):
        next(reader.pages(KEY + "s"))


def test_parquet_holds_vectors_that_json_cannot(tmp_path):
    vectors = page().vectors.copy()
    vectors[1, 2], vectors[0, 0], vectors[2, 3] = np.nan, np.inf, -0.0
    one = page(vectors=vectors)
    write(tmp_path / "e.parquet", [(info(), [one])])
    assert contents(tmp_path / "e.parquet")[KEY][4] == rows([one])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unsealed_file_is_refused(tmp_path, suffix):
    write_unsealed(tmp_path / f"e{suffix}", page())
    with pytest.raises(ExportRefused):
        open_export(tmp_path / f"e{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vectors_in_any_memory_order_are_written_as_float32(tmp_path, suffix):
    odd = page(vectors=np.asfortranarray(page().vectors.astype(np.float64)))
    write(tmp_path / f"e{suffix}", [(info(), [odd])])
    assert contents(tmp_path / f"e{suffix}")[KEY][4] == rows([page()])
