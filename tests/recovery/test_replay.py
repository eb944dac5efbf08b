"""A torn index comes back from the server's queue, where the queue still has it: RB-1."""

import shutil
from typing import NamedTuple

import numpy as np
import pytest

from chromadrill.chroma.connection import connect
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.drill.cut_judge import ask
from chromadrill.recovery.replay import keep_queue
from chromadrill.targets.process.private_copy import private_copy, scratch_target
from chromadrill.workload.writer import Writer, random_vector
from tests.front_door import enter

pytestmark = pytest.mark.slow

SYNCED_OFTEN = {"space": "l2", "sync_threshold": 50, "batch_size": 50}


class TornStore(NamedTuple):
    path: object
    writes: CollectionInfo
    acknowledged: int


@pytest.fixture(params=["purged", "kept"], scope="module")
def torn(request, tmp_path_factory):
    """The store of a server that was stopped; its index has 0 bytes, as a power cut leaves it.

    kept: its queue was never purged, so the vectors are there a second time.
    """
    folder = tmp_path_factory.mktemp(request.param) / "data"
    with scratch_target((Scope(),), room_for=1_000_000) as target:
        if request.param == "kept":
            target.start()
            target.stop()
            keep_queue(target.data)
        target.start()
        with connect(target.url) as chroma:
            writes = chroma.create_collection(Scope(), "writes", hnsw=SYNCED_OFTEN)
        with Writer(target.url, writes, batch=20, vectors=random_vector) as writer:
            writer.wait_for(130)
        target.stop()
        shutil.copytree(target.data, folder)
    for file in folder.glob("*/data_level0.bin"):
        file.write_bytes(b"")
    return request.param, TornStore(folder, writes, len(writer.acknowledged))


def test_index_is_made_anew_from_a_queue_that_is_whole_and_a_purged_one_is_not_believed(
    torn, tmp_path, capsys
):
    kind, store = torn
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    ended = enter(capsys, "replay", "--path", store.path, "--into", tmp_path / "new")
    assert before == {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    looked = enter(capsys, "salvage", store.path)
    assert ("replay is enough" in looked.out) is (kind == "kept")
    if kind == "purged":
        assert ended.code == 1
        assert "not all of it is in the queue" in ended.out
        return
    assert ended.code == 0
    assert "the next start makes the index" in ended.out
    with private_copy(tmp_path / "new", ()) as target:
        target.start()
        answers = ask(target.url, store.writes)
    assert len(answers.present) == store.acknowledged
    assert (answers.errors, answers.torn, answers.not_found) == ((), 0, 0)


def test_folder_that_is_there_is_refused_and_missing_words_are_said(torn, tmp_path, capsys):
    _, store = torn
    assert enter(capsys, "replay", "--path", store.path, "--into", tmp_path).code == 1
    assert enter(capsys, "replay", "--path", store.path).code == 64
    assert enter(capsys, "replay", "--path", tmp_path, "--into", tmp_path / "new").code == 2


@pytest.fixture(scope="module")
def with_ignored_addition(tmp_path_factory):
    """A torn index; the queue has a vector for each record, and that of r0 was never the record's.

    The server ignored it: r0 was there, by a write that the queue has forgotten.
    """
    folder = tmp_path_factory.mktemp("ignored") / "data"
    with scratch_target((Scope(),), room_for=1_000_000) as target:
        target.start()
        rng = np.random.default_rng(3)
        with connect(target.url) as chroma:
            writes = chroma.create_collection(Scope(), "writes", hnsw=SYNCED_OFTEN)
            for numbers in (range(30), range(20), range(1, 30)):
                chroma.upsert(
                    writes,
                    ids=[f"r{n}" for n in numbers],
                    vectors=rng.normal(size=(len(numbers), 4)).astype(np.float32),
                )
            path = (
                f"/api/v2/tenants/default_tenant/databases/default_database/collections/{writes.id}"
            )
            chroma.call(
                "POST", f"{path}/add", {"ids": ["r0"], "embeddings": [[1.0, 2.0, 3.0, 4.0]]}
            )
        target.stop()
        shutil.copytree(target.data, folder)
    for file in folder.glob("*/data_level0.bin"):
        file.write_bytes(b"")
    return folder


def test_vector_that_the_server_had_ignored_is_not_replayed(
    with_ignored_addition, tmp_path, capsys
):
    new = tmp_path / "new"
    ended = enter(capsys, "replay", "--path", with_ignored_addition, "--into", new)
    assert ended.code == 1, ended.text
    assert "29 of 30 records with their vector" in ended.out
    assert not new.exists()
