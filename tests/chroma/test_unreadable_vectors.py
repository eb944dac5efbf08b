"""Records that have lost their vectors are named in few calls, by a server that answers 500."""

import os
import shutil

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import whole

LOST, LEFT = 999, 101  # of the 1,000 that the index took in, the newest stays in the log


@pytest.fixture
def target(tmp_path):
    """A running server whose index is gone: the newest records alone have vectors, in the log."""
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    target.start()
    vectors = np.random.default_rng(1).normal(size=(LOST + LEFT, 4)).astype(np.float32)
    with Chroma(target.url) as chroma:
        collection = chroma.create_collection(Scope(), "lost")
        for start in range(0, LOST + LEFT, 100):
            rows = range(start, start + 100)
            chroma.upsert(
                collection, ids=[f"r{row:04}" for row in rows], vectors=vectors[start : start + 100]
            )
    target.stop()
    for folder in [path for path in target.data.iterdir() if path.is_dir()]:
        shutil.rmtree(folder)
    target.start()
    yield target
    target.remove()


@pytest.mark.slow
def test_records_without_vectors_are_named_without_asking_for_each(target, monkeypatch):
    calls = []
    get = Chroma.get
    monkeypatch.setattr(Chroma, "get", lambda *args, **kw: (calls.append(1), get(*args, **kw))[1])
    with Chroma(target.url) as chroma:
        observation = live.observe(chroma)
    lost = observation.fingerprint.collections["default_tenant/default_database/lost"]
    records = whole(lost.records)
    without = set(records.filter(records["vector"].is_null())["id"].to_pylist())
    assert without == {f"r{row:04}" for row in range(LOST)}
    assert len(calls) < 450, len(calls)  # one by one: 2,000
    assert any(error.step == "records" for error in observation.read_errors)
