"""The sound store in raw values, and the fingerprint from before each fault."""

import shutil

import pytest

from chromadrill.workload.data.edge_cases import SCOPES
from fixtures.seeded_store import serve
from suites.salvage.raw_values import SoundBytes, served_records


@pytest.fixture(scope="session")
def sound(seeded_store, tmp_path_factory):
    """What the sound store answers, and where its files keep that."""
    folder = tmp_path_factory.mktemp("sound")
    scopes = [(one.tenant, one.database) for one in SCOPES]
    answers = []
    for data in (seeded_store.data, seeded_store.older):
        copy = folder / data.name
        shutil.copytree(data, copy)
        with serve(copy) as url:
            answers.append(served_records(url, scopes))
    return SoundBytes(seeded_store.data, *answers)


@pytest.fixture
def copy(seeded_store, tmp_path):
    """A fresh cold copy of the seeded store."""
    shutil.copytree(seeded_store.data, tmp_path / "data")
    yield tmp_path / "data"
    shutil.rmtree(tmp_path, ignore_errors=True)
