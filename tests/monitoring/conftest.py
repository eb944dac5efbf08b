"""A real server with a collection large enough to have an index on disk."""

import os
import shutil

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.core.settings import load
from chromadrill.targets.process.target import ProcessTarget

RECORDS = 1500


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A data directory with 1,500 records: above the sync threshold, so its index is on disk."""
    target = ProcessTarget(tmp_path_factory.mktemp("filled") / "home", owner=os.getpid())
    target.start()
    vectors = np.random.default_rng(1).normal(size=(RECORDS, 16)).astype(np.float32)
    with Chroma(target.url) as chroma:
        info = chroma.create_collection(Scope(), "docs")
        for start in range(0, RECORDS, 500):
            ids = [f"r{n}" for n in range(start, start + 500)]
            chroma.upsert(info, ids=ids, vectors=vectors[start : start + 500], documents=ids)
    target.stop()
    yield target.data
    target.remove()


@pytest.fixture
def target(filled, tmp_path):
    """A running server of its own on a copy."""
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    shutil.copytree(filled, target.data, dirs_exist_ok=True)
    target.start()
    yield target
    target.remove()


@pytest.fixture
def settings(tmp_path):
    """Waits of a second instead of half a minute."""
    environ = {
        "DRILL_MONITORING__TIME_SCALE": "0.01",
        "DRILL_MONITORING__TIMEOUT_S": "2",
        "DRILL_MONITORING__BACKUP_JOURNAL": str(tmp_path / "backups.jsonl"),
    }
    return load(environ=environ)
