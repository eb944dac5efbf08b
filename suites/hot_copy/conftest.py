"""A collection that steady clients write to, and the table of what was measured."""

import pytest

from chromadrill.chroma.connection import connect
from chromadrill.core.model import Scope


@pytest.fixture
def writes(target, run_name):
    """Synced every hundred records, so that every try has index files rewritten in it."""
    hnsw = {"space": "l2", "sync_threshold": 100, "batch_size": 100}
    with connect(target.url) as chroma:
        return chroma.create_collection(Scope(), f"drill-{run_name}-writes", hnsw=hnsw)


@pytest.fixture(scope="session")
def hot_copies():
    """Method -> its tries, in this session."""
    return {}
