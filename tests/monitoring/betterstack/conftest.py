"""A simulated account of Better Stack, empty or as the rules want it."""

import httpx
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
    type_calls,
)


@pytest.fixture
def simulator():
    with BetterStackSimulator(SimulatedAccount(*TOKENS, scale=0.01)) as simulator:
        yield simulator


@pytest.fixture
def environ(simulator):
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
def settings(environ):
    return load(environ=environ)


@pytest.fixture
def mended(simulator, settings, environ):
    """An account in which the plan was carried out, and one backup has pinged."""
    type_calls(diff_of(settings), settings, environ)
    for heartbeat in simulator.account.of("/api/v2/heartbeats").values():
        httpx.get(heartbeat["url"]).raise_for_status()
    return simulator
