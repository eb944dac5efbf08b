"""A fingerprint file comes back equal, or is refused."""

import hashlib
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.chroma.fingerprint.digests import canonical, record_table, sketch
from chromadrill.chroma.fingerprint.id_sets import set_digest
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Scope
from tests.conftest import KEY, fingerprint, page, printed, whole


def test_fingerprint_comes_back_equal(tmp_path):
    one = fingerprint(printed(), printed(name="empty", of=page(ids=[], documents=[], metadatas=[],
                      uris=[], vectors=page().vectors[:0]), answers=(), recall=None))  # fmt: skip
    fingerprint_file.save(one, tmp_path / "f")
    back = fingerprint_file.load(tmp_path / "f")

    assert back.scopes == (Scope(),)
    assert back.collections.keys() == one.collections.keys()
    for key, collection in one.collections.items():
        assert back.collections[key].info == collection.info
        assert back.collections[key].answers == collection.answers
        assert back.collections[key].recall == collection.recall
        assert whole(back.collections[key].records).equals(whole(collection.records))


def test_a_record_is_digested_as_the_first_fingerprints_did():
    """By one record at a time, in the plainest words: a fingerprint of last year must still match."""
    of = page(without_vector=(1,))
    table = record_table(of).to_pylist()
    for row, digests in enumerate(table):
        text, vector = of.documents[row], of.vectors[row]
        lost = row == 1
        assert digests == {
            "id": of.ids[row],
            "document": text and hashlib.blake2b(text.encode(), digest_size=16).digest(),
            "document_length": text and len(text),
            "metadata": canonical(of.metadatas[row]),
            "uri": of.uris[row] and hashlib.blake2b(of.uris[row].encode(), digest_size=16).digest(),
            "vector": None if lost else hashlib.blake2b(vector, digest_size=16).digest(),
            "sketch": None if lost else sketch(vector[None, :])[0].tolist(),
        }


def test_file_is_readable_by_its_owner_alone(tmp_path):
    fingerprint_file.save(fingerprint(), tmp_path / "f")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_no_text_of_a_document_is_in_the_file(tmp_path):
    fingerprint_file.save(
        fingerprint(printed(page(documents=["very private words", "x", None]))), tmp_path / "f"
    )
    assert b"private" not in (tmp_path / "f").read_bytes()


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(tmp_path, place, bit):
    fingerprint_file.save(fingerprint(), tmp_path / "f")
    data = bytearray((tmp_path / "f").read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(fingerprint_file.FingerprintRefused):
        fingerprint_file.load(tmp_path / "f")


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30
)
@given(place=st.floats(0, 1, exclude_max=True))
def test_any_truncation_is_refused(tmp_path, place):
    fingerprint_file.save(fingerprint(), tmp_path / "f")
    data = (tmp_path / "f").read_bytes()
    (tmp_path / "f").write_bytes(data[: int(place * len(data))])
    with pytest.raises(fingerprint_file.FingerprintRefused):
        fingerprint_file.load(tmp_path / "f")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + b"x" * 200, b"\x00" * 5000])
def test_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(fingerprint_file.FingerprintRefused):
        fingerprint_file.load(tmp_path / "f")


def test_missing_file_is_refused_with_the_next_command(tmp_path):
    with pytest.raises(fingerprint_file.FingerprintRefused, match="chromadrill fingerprint"):
        fingerprint_file.load(tmp_path / "f")


scalars = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)  # fmt: skip


@given(scalars, scalars)
def test_canonical_metadata_keeps_types_apart(one, other):
    same = type(one) is type(other) and repr(one) == repr(other)
    assert (canonical({"k": one}) == canonical({"k": other})) == same


@given(st.lists(st.text(min_size=1), unique=True))
def test_set_digest_knows_no_order(ids):
    assert set_digest(ids) == set_digest(list(reversed(ids)))
    assert not ids or set_digest(ids) != set_digest(ids[1:])


def test_sketch_measures_how_far_a_vector_moved():
    vectors = page().vectors.astype("f8")
    moved = vectors.copy()
    moved[0, 0] += 1
    assert abs(sketch(moved) - sketch(vectors))[0].max() == pytest.approx(1.0)


def test_key_of_a_collection_names_tenant_database_and_name():
    assert list(fingerprint().collections) == [KEY]


def test_only_a_regular_file_is_ever_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a regular file"):
        fingerprint_file.save(fingerprint(), tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    fingerprint_file.save(fingerprint(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").is_file()
