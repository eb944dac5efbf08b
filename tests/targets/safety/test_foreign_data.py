"""Who wrote since the snapshot: every way in which somebody can, also those that keep the count."""

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Scope
from chromadrill.targets.home import SAFETY_FOLDER
from chromadrill.targets.safety import foreign_data, ownership
from chromadrill.targets.safety.foreign_data import ForeignCollection, ForeignData
from chromadrill.targets.safety.leftovers import new_run
from chromadrill.targets.safety.target_role import TargetRole
from tests.conftest import fill

VECTOR = np.ones((1, 8), np.float32)


@pytest.fixture
def chroma(server):
    with Chroma(server.url) as chroma:
        yield chroma
        for collection in chroma.collections(Scope()):
            chroma.delete_collection(Scope(), collection.name)
        fill(chroma)


def wrote(chroma, write):
    docs = chroma.collection(Scope(), "docs")
    before = foreign_data.collect(chroma, [Scope()], ())
    assert foreign_data.who_wrote(before, foreign_data.collect(chroma, [Scope()], ())) == []
    write(docs)
    return "; ".join(foreign_data.who_wrote(before, foreign_data.collect(chroma, [Scope()], ())))


def test_added_record_is_told(chroma):
    message = wrote(chroma, lambda docs: chroma.upsert(docs, ids=["new"], vectors=VECTOR))
    assert message.endswith("docs had 30 records and has 31")


@pytest.mark.parametrize("field", ["vector", "metadata", "swap"])
def test_write_that_keeps_the_count_is_told(chroma, field):
    def write(docs):
        if field == "vector":
            chroma.upsert(docs, ids=["r1"], vectors=VECTOR)
        elif field == "metadata":
            chroma.update_metadata(docs, ["r1"], [{"n": 99}])
        else:
            chroma.delete(docs, ["r1"])
            chroma.upsert(docs, ids=["r99"], vectors=VECTOR)

    assert "changed in place" in wrote(chroma, write)


def test_collections_that_come_and_go_are_told(chroma):
    assert "other was made" in wrote(chroma, lambda _: chroma.create_collection(Scope(), "other"))
    assert "other was removed" in wrote(
        chroma, lambda _: chroma.delete_collection(Scope(), "other")
    )


def test_collection_made_again_with_the_same_content_is_told(chroma):
    def again(docs):
        chroma.delete_collection(Scope(), "docs")
        fill(chroma)

    assert "made again" in wrote(chroma, again)


def test_what_drills_write_is_not_foreign(chroma):
    name = f"drill-{new_run()}-x"
    assert wrote(chroma, lambda _: chroma.create_collection(Scope(), name)) == ""
    created = chroma.collection(Scope(), "docs").id
    assert foreign_data.collect(chroma, [Scope()], [created]).collections == {}


@pytest.mark.parametrize("name", ["bmad_embeddings", "drill-bit-manuals", "chromadrill-import-x"])
def test_name_like_ours_does_not_hide_what_others_write(chroma, name):
    assert "was made" in wrote(chroma, lambda _: chroma.create_collection(Scope(), name))


def test_what_was_not_looked_at_counts_as_written():
    data = ForeignData("", {"k": ForeignCollection("i", 1, "d")})
    assert foreign_data.who_wrote(None, data)
    assert foreign_data.who_wrote(data, None)


def test_note_is_kept_and_a_damaged_one_is_no_clean_slate(tmp_path):
    data = ForeignData("t", {"k": ForeignCollection("i", 1, "d")}, "deployment-1")
    foreign_data.save(data, tmp_path / "note")
    assert foreign_data.load(tmp_path / "note") == data
    assert foreign_data.load(tmp_path / "none") is None
    for text in ("", "[]", '{"taken_at": 1}', '{"taken_at": "", "collections": {"k": {}}}'):
        (tmp_path / "note").write_text(text)
        with pytest.raises(Unavailable, match="damaged"):
            foreign_data.load(tmp_path / "note")


# ---- ownership ----------------------------------------------------------------------------------
def test_server_with_data_of_others_is_not_taken_over(server, tmp_path):
    at = TargetRole("box", server.url, "command", "staging", "staging")
    with pytest.raises(Refused, match="no drill put there"):
        ownership.claim_ownership(at, tmp_path, [Scope()])
    with pytest.raises(Refused, match="no ownership marker"):
        ownership.require_owned(at, tmp_path)


def test_marker_outlives_the_volume_and_vouches_for_no_other_deployment(chroma, server, tmp_path):
    at = TargetRole("box", server.url, "command", "staging", "staging")
    chroma.delete_collection(Scope(), "docs")
    ownership.claim_ownership(at, tmp_path, [Scope()])
    fill(chroma)  # as a restore of an older volume would bring it
    before = ownership.require_owned(at, tmp_path)
    ownership.claim_ownership(at, tmp_path, [Scope()])
    assert ownership.require_owned(at, tmp_path) == before
    moved = TargetRole("box", "http://127.0.0.1:9", "command", "staging", "staging")
    with pytest.raises(Refused, match="is the marker of"):
        ownership.require_owned(moved, tmp_path)
    with pytest.raises(Refused, match="is the marker of"):
        ownership.claim_ownership(moved, tmp_path, [Scope()])


@pytest.mark.parametrize(
    "text",
    ["5", "null", "[]", "x", '"x"', "{}", '[["deployment", "127.0.0.1:9"]]',
     '{"deployment": 5}', "\xff"],
)  # fmt: skip
def test_file_that_is_no_marker_is_a_sentence_and_takes_nothing_over(tmp_path, text):
    at = TargetRole("box", "http://127.0.0.1:9", "command", "staging", "staging")
    marker = tmp_path / SAFETY_FOLDER / ownership.NAME
    marker.parent.mkdir()
    marker.write_text(text, "latin-1")
    with pytest.raises(Refused, match="is no ownership marker"):
        ownership.require_owned(at, tmp_path)
    with pytest.raises(Refused, match="is no ownership marker"):
        ownership.claim_ownership(at, tmp_path, [Scope()])
    assert marker.read_text("latin-1") == text
