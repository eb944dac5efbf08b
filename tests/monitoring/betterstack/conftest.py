"""A simulated account of Better Stack, empty or as the rules want it."""

from copy import deepcopy

import pytest

from chromadrill.core.settings import load
from chromadrill.monitoring.betterstack.simulator import BetterStackSimulator, SimulatedAccount
from tests.monitoring.betterstack.account import (
    CONTACTS,
    INGEST,
    TELEMETRY,
    TOKENS,
    UPTIME,
    URL,
    diff_of,
    ping,
    type_calls,
)


@pytest.fixture(scope="package")
def running():
    """The simulator, for all tests here; whoever wants it empty asks for `simulator`."""
    with BetterStackSimulator(SimulatedAccount(*TOKENS)) as simulator:
        yield simulator


@pytest.fixture
def simulator(running):
    """The simulator with an account that holds nothing yet."""
    running.account = SimulatedAccount(*TOKENS, scale=0.01)
    return running


def environ_of(simulator):
    return {
        "BETTERSTACK_UPTIME_TOKEN": UPTIME,
        "BETTERSTACK_TELEMETRY_TOKEN": TELEMETRY,
        "BETTERSTACK_INGEST_TOKEN": INGEST,
        "BETTERSTACK_INGEST_URL": f"{simulator.url}/ingest",
        "DRILL_BETTERSTACK__UPTIME_URL": simulator.url,
        "DRILL_BETTERSTACK__TELEMETRY_URL": simulator.url,
        "DRILL_MONITORING__URL": URL,
        **CONTACTS,
    }


@pytest.fixture
def environ(simulator):
    return environ_of(simulator)


@pytest.fixture
def settings(environ):
    return load(environ=environ)


@pytest.fixture(scope="package")
def mended_account(running):
    """An account in which the plan was carried out once, and one backup has pinged."""
    running.account = SimulatedAccount(*TOKENS, scale=0.01)
    environ = environ_of(running)
    settings = load(environ=environ)
    type_calls(diff_of(settings), settings, environ)
    for heartbeat in running.account.of("/api/v2/heartbeats").values():
        ping(heartbeat["url"])
    return running.account


@pytest.fixture
def mended(mended_account, simulator):
    """The simulator with a mended account of the test's own."""
    simulator.account = deepcopy(mended_account)
    return simulator
