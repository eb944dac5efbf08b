"""One target for a module of contract tests, empty where it is ours: the contract is not the data."""

import pytest

from chromadrill.core.model import Scope
from chromadrill.targets.kinds import SCRATCH
from fixtures.options import open_live_or_end
from fixtures.scratch import new_scratch


@pytest.fixture(scope="module")
def target(pytestconfig, settings, tmp_path_factory, engine):
    """The target named by `--target`; a kind's name is a fresh, empty server."""
    if settings.drill.target not in SCRATCH:
        yield open_live_or_end(pytestconfig)
        return
    target = new_scratch(tmp_path_factory.mktemp("contract"), settings, [Scope()])
    try:
        target.start()
        yield target
    finally:
        target.remove()
