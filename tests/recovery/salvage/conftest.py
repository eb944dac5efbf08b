"""A stopped server's store, and copies of it to damage."""

import shutil

import pytest

from chromadrill.chroma.at_rest import Store
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest, fingerprint_file
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.recovery.salvage.own_embedder import embed

RECORDS = 1200


def index_of(data):
    with Store.open(data) as store:
        (info,) = store.collections()
        return data / store.segment(info, "VECTOR").id


@pytest.fixture(scope="package")
def sound(tmp_path_factory):
    """A stopped server's directory with a synced index, and its fingerprint."""
    folder = tmp_path_factory.mktemp("sound")
    target = ProcessTarget(folder / "home")
    target.start()
    with Chroma(target.url) as chroma:
        docs = chroma.create_collection(Scope(), "docs", hnsw={"space": "cosine"})
        for start in range(0, RECORDS, 300):
            rows = range(start, start + 300)
            documents = [f"document {n} about {n % 7}" for n in rows]
            chroma.upsert(
                docs,
                ids=[f"r{n}" for n in rows],
                vectors=embed(documents),
                documents=documents,
                metadatas=[{"n": n, "even": n % 2 == 0} for n in rows],
                uris=[None] * 300,
            )
    target.stop()
    before = at_rest.fingerprint(target.data)
    file = folder / "before.fp.json"
    fingerprint_file.save(before, file)
    shutil.copytree(target.data, folder / "data")
    target.remove()
    return folder / "data", file


@pytest.fixture
def damaged(sound, tmp_path):
    shutil.copytree(sound[0], tmp_path / "damaged")
    return tmp_path / "damaged"
