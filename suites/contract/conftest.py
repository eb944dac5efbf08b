"""One target for a module of contract tests, empty where it is ours: the contract is not the data."""

import os

import pytest

from chromadrill.targets import open_target
from chromadrill.targets.process import ProcessTarget


@pytest.fixture(scope="module")
def target(settings, tmp_path_factory):
    """The target named by `--target`; `process` is a fresh, empty server."""
    if settings.drill.target != "process":
        yield open_target(settings)
        return
    made = ProcessTarget(tmp_path_factory.mktemp("contract") / "home", owner=os.getpid())
    try:
        made.start()
        yield made
    finally:
        made.remove()
