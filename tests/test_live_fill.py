"""A live target is filled only where drills alone use it."""

import dataclasses

import pytest

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.datasets.live import MARKER, everything, fill, may_be_filled
from chromadrill.datasets.standard import Dataset, standard
from chromadrill.errors import Refused
from chromadrill.model import Scope
from tests.conftest import info

OURS = {(Scope(), "bmad_embeddings")}


def named(*names):
    return [info(name=each) for each in names]


@pytest.mark.parametrize(
    "there",
    [
        (),
        (MARKER,),
        (MARKER, "bmad_embeddings", "drill-1-writes"),
        (MARKER, "chromadrill-import-x"),
    ],
)
def test_empty_or_ours_may_be_filled(there):
    may_be_filled(named(*there), OURS)


@pytest.mark.parametrize("there", [("bmad_embeddings",), ("drill-x",), (MARKER, "customers")])
def test_what_no_drill_put_there_is_refused(there):
    with pytest.raises(Refused, match="holds what no drill put there"):
        may_be_filled(named(*there), OURS)


def test_our_name_in_another_database_is_not_ours():
    elsewhere = dataclasses.replace(info(name="bmad_embeddings"), database="other")
    with pytest.raises(Refused, match="other/bmad_embeddings"):
        may_be_filled([*named(MARKER), elsewhere], OURS)


@pytest.mark.slow
def test_filling_twice_leaves_the_dataset_alone_and_foreign_data_untouched(server):
    small = Dataset(tuple(c for c in standard(1100).collections if c.name == "scratchpad"))

    def counts(chroma):
        return {c.name: chroma.count(c) for c in everything(chroma, small.scopes)}

    with Chroma(server.url) as chroma:
        before = counts(chroma)
        with pytest.raises(Refused, match="docs"):
            fill(chroma, small)
        assert counts(chroma) == before
        chroma.delete_collection(Scope(), "docs")
        fill(chroma, small)
        first = counts(chroma)
        chroma.create_collection(Scope(), "drill-left-behind")
        fill(chroma, small)
        assert counts(chroma) == first
        assert first.keys() == {MARKER, "scratchpad"}
        assert first["scratchpad"] > 50


def test_server_that_fails_while_asked_is_not_called_empty(server):
    with Chroma("http://127.0.0.1:9") as chroma, pytest.raises(CallFailed):
        everything(chroma, [Scope()])
