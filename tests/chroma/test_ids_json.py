"""The ids of a large answer are decoded some at a time, whatever is in them."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chromadrill.chroma import ids_json
from chromadrill.chroma.ids_json import id_slices, ids_text

IDS = st.lists(st.text(st.sampled_from('",\\[]aé\0'), max_size=4), max_size=40)


def answer(ids, **changes):
    columns = dict.fromkeys(("embeddings", "documents", "uris", "metadatas"))
    return orjson.dumps({"ids": ids, **columns, "include": [], **changes})


@given(IDS, st.integers(1, 60))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_slices_hold_every_id_once_and_in_order(ids, size):
    text = ids_text(ids_json.loads(answer(ids)))
    before = ids_json.SLICE_BYTES
    ids_json.SLICE_BYTES = max(size, 4 * max([6, *map(len, ids)]) * 6)
    try:
        slices = list(id_slices(text))
    finally:
        ids_json.SLICE_BYTES = before
    assert [id_ for part in slices for id_ in part] == ids


def test_a_large_answer_comes_in_many_slices(monkeypatch):
    monkeypatch.setattr(ids_json, "SLICE_BYTES", 1000)
    ids = [f'record-{n},"' for n in range(2000)]
    slices = list(id_slices(ids_text(ids_json.loads(answer(ids)))))
    assert len(slices) > 30
    assert [id_ for part in slices for id_ in part] == ids


def test_an_answer_of_another_server_is_read_too():
    value = orjson.loads(answer(["a", "b"]))
    content = orjson.dumps(dict(reversed(value.items())))  # the ids do not come first
    assert list(id_slices(ids_text(ids_json.loads(content)))) == [["a", "b"]]


@pytest.mark.parametrize("content", [b'{"ids":["a"', b"<html>", b'{"ids":["a"],"embeddings":null'])
def test_what_is_no_json_is_said_to_be_none(content):
    with pytest.raises(orjson.JSONDecodeError):
        ids_json.loads(content)


@pytest.mark.parametrize("value", [{}, {"ids": None}, []])
def test_an_answer_without_ids_is_none(value):
    with pytest.raises((KeyError, TypeError)):
        ids_text(value)
