"""One server for the whole folder: each test leaves it as it found it."""

import os

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import fill


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    """A running `process` target with one collection of 30 records."""
    target = ProcessTarget(tmp_path_factory.mktemp("server") / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        fill(chroma)
    yield target
    target.remove()
