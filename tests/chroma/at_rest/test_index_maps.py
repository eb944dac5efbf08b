"""The maps of an index's pickle are read in blocks as the strict reader reads them, damage included."""

import pickle
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chromadrill.chroma.at_rest import pickle_maps
from chromadrill.chroma.at_rest.id_hashes import IdMap, count_missing, distinct, hashes_of
from chromadrill.chroma.at_rest.pickle_maps import read_maps
from chromadrill.chroma.at_rest.pickles import PickleDamaged, PickleRefused

names = st.lists(st.text(alphabet="abJuX(}\xe9\0\U0001f600", max_size=9), unique=True, max_size=60)
quiet = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value):
    return b"J" + struct.pack("<i", value)


def items(pairs, batch):
    """A dict as the library of 1.x writes it: a batch of items after the other."""
    if not pairs:
        return b"}"
    groups = [pairs[at : at + batch] for at in range(0, len(pairs), batch)]
    return b"}(" + b"u(".join(b"".join(map(b"".join, group)) for group in groups) + b"u"


def written(labels, owners, batch=7):
    return (
        b"\x80\x03}(" + text("dimensionality") + b"N" + text("total_elements_added") + integer(9)
        + text("max_seq_id") + b"N"
        + text("id_to_label") + items([(text(k), integer(v)) for k, v in labels.items()], batch)
        + text("label_to_id") + items([(integer(k), text(v)) for k, v in owners.items()], batch)
        + b"u(" + text("id_to_seq_id") + b"}u."
    )  # fmt: skip


def maps_of(path):
    """What a reader makes of a file, in values that compare; or what it raises."""
    try:
        maps = read_maps(path)
    except (PickleDamaged, PickleRefused) as error:
        return type(error)
    owners = sorted(maps.owner_labels.tolist())
    pairs = dict(zip(maps.names.hashes.tolist(), maps.names.numbers.tolist(), strict=True))
    return pairs, owners, maps.are_inverse, {k: v for k, v in maps.others.items() if v is not None}


def strictly(path, monkeypatch):
    def refuse(stream):
        raise pickle_maps._Irregular

    with monkeypatch.context() as patch:
        patch.setattr(pickle_maps, "_read_regular", refuse)
        return maps_of(path)


@quiet
@given(names, st.integers(1, 70), st.randoms(use_true_random=False))
def test_blocks_and_the_strict_reader_agree(tmp_path, monkeypatch, ids, batch, random):
    labels = {id_: number * 3 for number, id_ in enumerate(ids)}
    owners = [(label, id_) for id_, label in labels.items()]
    random.shuffle(owners)
    (tmp_path / "p").write_bytes(written(labels, dict(owners), batch))
    monkeypatch.setattr(pickle_maps, "_BLOCK", 512)
    regular = pickle_maps._read_regular((tmp_path / "p").open("rb"))
    assert regular.are_inverse
    assert regular.names.numbers_of(hashes_of(list(labels))).tolist() == list(labels.values())
    assert maps_of(tmp_path / "p") == strictly(tmp_path / "p", monkeypatch)


@quiet
@given(names.filter(bool), st.floats(0, 1, exclude_max=True), st.integers(0, 255))
def test_a_changed_byte_is_read_as_the_strict_reader_reads_it(
    tmp_path, monkeypatch, ids, place, byte
):
    labels = {id_: number for number, id_ in enumerate(ids)}
    data = bytearray(written(labels, {label: id_ for id_, label in labels.items()}))
    data[int(place * len(data))] = byte
    (tmp_path / "p").write_bytes(data)
    assert maps_of(tmp_path / "p") == strictly(tmp_path / "p", monkeypatch)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_of_older_servers_are_read_by_the_strict_reader(tmp_path, protocol):
    ids = {f"r{n}\xe9": n for n in range(3000)}
    content = {"id_to_label": ids, "label_to_id": {n: id_ for id_, n in ids.items()}, "more": 1}
    (tmp_path / "p").write_bytes(pickle.dumps(content, protocol))
    maps = read_maps(tmp_path / "p")
    assert (len(maps.names), maps.are_inverse, maps.others) == (3000, True, {"more": 1})
    assert "r7\xe9" in maps.names
    assert "r7" not in maps.names


def test_label_that_comes_twice_is_the_last_ones(tmp_path, monkeypatch):
    data = written({"a": 1, "b": 2}, {1: "a", 2: "b"})
    (tmp_path / "p").write_bytes(data.replace(integer(2) + text("b"), integer(1) + text("b")))
    assert maps_of(tmp_path / "p") == strictly(tmp_path / "p", monkeypatch)


def test_maps_that_contradict_each_other_are_told_apart(tmp_path):
    (tmp_path / "p").write_bytes(written({"a": 1, "b": 2}, {1: "b", 2: "a"}))
    maps = read_maps(tmp_path / "p")
    assert not maps.are_inverse
    assert sorted(maps.owner_labels.tolist()) == [1, 2]


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_missing_values_are_counted_as_by_sets(values, among):
    one, other = (np.array(side, np.int64) for side in (values, among))
    assert count_missing(one, other) == len({*values} - {*among})
    assert distinct(one).tolist() == sorted({*values})


def test_empty_map_knows_nothing():
    none = np.empty(0, np.int64)
    assert IdMap(none, none).numbers_of(hashes_of(["a"])).tolist() == [-1]
