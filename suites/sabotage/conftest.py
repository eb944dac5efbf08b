"""A store with every trap in it, seeded once by a real server, and a fingerprint of it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Fingerprint
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.edge_cases import SCOPES, Seeder


@dataclass(frozen=True)
class SeededStore:
    """`data` is cold, `older` the same store half-way through, `before` its live fingerprint."""

    data: Path
    older: Path
    before: Fingerprint


@pytest.fixture(scope="session")
def seeded_store(tmp_path_factory):
    """The store that is damaged again and again, always as a fresh copy."""
    folder = tmp_path_factory.mktemp("seeded")
    target = ProcessTarget(folder / "home", owner=os.getpid())
    try:
        target.start()
        seeder = Seeder(target.url)
        seeder.begin()
        target.stop()
        shutil.copytree(target.data, folder / "older")
        target.start()
        seeder.finish()
        target.stop()
        target.start()
        with Chroma(target.url) as chroma:
            before = live.fingerprint(chroma, SCOPES)
        target.stop()
        shutil.copytree(target.data, folder / "data")
        yield SeededStore(folder / "data", folder / "older", before)
    finally:
        target.remove()
