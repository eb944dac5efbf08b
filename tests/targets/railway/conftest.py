"""A simulated platform for the tests of the client."""

import pytest

from tests.targets.railway.platforms import simulated_railway


@pytest.fixture
def simulate(tmp_path, monkeypatch):
    """`with simulate(fault=...) as railway`: a platform without servers."""
    return lambda **options: simulated_railway(tmp_path, monkeypatch, **options)
