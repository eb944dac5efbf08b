"""One server for the whole folder: each test leaves it as it found it."""

import pytest

from tests.conftest import filled_server


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    """A running `process` target with one collection of 30 records."""
    with filled_server(tmp_path_factory.mktemp("server") / "home") as target:
        yield target
