"""A live target is filled only where drills alone use it."""

import pytest

from chromadrill.chroma import permissions
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Refused
from chromadrill.core.model import Scope
from chromadrill.targets.safety.access import allow_writes
from chromadrill.targets.safety.leftovers import new_run
from chromadrill.targets.safety.owned_data import list_all_collections, require_may_be_filled
from chromadrill.targets.safety.ownership import created_ids, created_ids_file
from chromadrill.workload.data.live_fill import fill
from chromadrill.workload.data.standard import Dataset, standard
from tests.conftest import info

RUN = f"drill-{new_run()}-writes"


def infos(*names):
    return [info(name=name, id=f"id-{name}") for name in names]


@pytest.mark.parametrize(
    "present",
    [
        (),
        ("bmad_embeddings", RUN),
        ("chromadrill-import-x",),
    ],
)
def test_empty_or_ours_may_be_filled(present):
    require_may_be_filled(infos(*present), {"id-bmad_embeddings", "id-chromadrill-import-x"})


@pytest.mark.parametrize(
    "name", ["bmad_embeddings", "drill-dataset", "drill-bit-manuals", "drill-1-x", "customers"]
)
def test_name_like_ours_is_no_proof_that_a_drill_made_it(name):
    for ids in ((), {"id-another"}):
        with pytest.raises(Refused, match=f"holds what no drill put there: .*{name}"):
            require_may_be_filled(infos(name), ids)


@pytest.mark.slow
def test_filling_twice_leaves_the_dataset_alone_and_foreign_data_untouched(server, tmp_path):
    permissions.forget()
    small = Dataset(tuple(c for c in standard(1100).collections if c.name == "scratchpad"))
    (tmp_path / "rails").mkdir()

    def counts(chroma):
        return {c.name: chroma.count(c) for c in list_all_collections(chroma, small.scopes)}

    with Chroma(server.url) as chroma:
        before = counts(chroma)
        with pytest.raises(Refused, match="docs"):
            fill(chroma, small, created_ids(tmp_path))
        assert counts(chroma) == before
        chroma.delete_collection(Scope(), "docs")
    allow_writes(server.url, created_ids_file(tmp_path))
    with Chroma(server.url) as chroma:
        fill(chroma, small, created_ids(tmp_path))
        first = counts(chroma)
        chroma.create_collection(Scope(), RUN)
        fill(chroma, small, created_ids(tmp_path))
        assert counts(chroma) == first
        assert first.keys() == {"scratchpad"}
        assert first["scratchpad"] > 50
    permissions.forget()
    with Chroma(server.url) as chroma:  # somebody else makes it anew, under the same name
        scope = small.scopes[0]
        chroma.delete_collection(scope, "scratchpad")
        chroma.create_collection(scope, "scratchpad", metadata={"owner": "a team"})
        with pytest.raises(Refused, match="scratchpad"):
            fill(chroma, small, created_ids(tmp_path))
        assert chroma.collection(scope, "scratchpad").metadata == {"owner": "a team"}


def test_server_that_fails_while_asked_is_not_called_empty(server):
    with Chroma("http://127.0.0.1:9") as chroma, pytest.raises(CallFailed):
        list_all_collections(chroma, [Scope()])


@pytest.mark.parametrize("status", [401, 403, 429, 400])
def test_server_that_does_not_let_itself_be_listed_is_not_called_empty(monkeypatch, status):
    def refuse(tenant):
        raise CallFailed("GET databases", status, "no")

    with Chroma("http://127.0.0.1:9") as chroma:
        monkeypatch.setattr(chroma, "databases", refuse)
        with pytest.raises(CallFailed):
            list_all_collections(chroma, [Scope()])
        status = 404
        assert list_all_collections(chroma, [Scope()]) == []
