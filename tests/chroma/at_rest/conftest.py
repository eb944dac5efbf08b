"""Real servers for the tests, ended after each."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chroma.at_rest.servers import Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers; ends whichever still run after the test."""
    started: list[Server] = []

    def start(path: Path) -> Server:
        started.append(Server(path))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """The module's `store`, to be damaged."""
    shutil.copytree(store, tmp_path / "data")
    return tmp_path / "data"
