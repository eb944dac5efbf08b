"""A heartbeat of an alert drill's own at Better Stack, or at the simulator of its API."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from chromadrill.core.model import JSON
from chromadrill.core.settings import Settings
from chromadrill.monitoring.betterstack import fetch
from chromadrill.monitoring.betterstack.client import BetterStackApi
from chromadrill.monitoring.betterstack.simulator import BetterStackSimulator, SimulatedAccount

SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class DrillHeartbeat:
    """The heartbeat `name`; `settings` ping it. `by`: who pages, for the verdicts."""

    settings: Settings
    name: str
    by: str
    api: BetterStackApi

    @property
    def poll_s(self) -> float:
        """How often its incidents may be asked for."""
        return 0.2 if self.by == SIMULATED else 5.0

    def incidents(self) -> dict[str, JSON]:
        """Its incidents, by id."""
        rows = {row["id"]: row["attributes"] for row in self.api.all("/api/v3/incidents")}
        return {key: row for key, row in rows.items() if self.name in str(row.get("name"))}


@contextmanager
def drill_heartbeat(settings: Settings) -> Iterator[DrillHeartbeat]:
    """A heartbeat at Better Stack itself where a token is set, else at the simulator."""
    if settings.betterstack.uptime_token:
        with _own_heartbeat(settings, "Better Stack") as heartbeat:
            yield heartbeat
        return
    uptime, telemetry, ingest = (secrets.token_urlsafe(16) for _ in range(3))
    account = SimulatedAccount(uptime, telemetry, ingest, scale=settings.monitoring.time_scale)
    with BetterStackSimulator(account) as simulator:
        betterstack = settings.betterstack.model_copy(
            update={"uptime_url": simulator.url, "uptime_token": SecretStr(uptime)}
        )
        simulated = settings.model_copy(update={"betterstack": betterstack})
        with _own_heartbeat(simulated, SIMULATED) as heartbeat:
            yield heartbeat


@contextmanager
def _own_heartbeat(settings: Settings, by: str) -> Iterator[DrillHeartbeat]:
    """Create a heartbeat, and remove it at the end whatever happened."""
    name = f"chromadrill-drill-{secrets.token_hex(4)}"
    with fetch.uptime(settings.betterstack) as api:
        body = {"name": name, "period": 86_400, "grace": 3600, "email": False, "call": False}
        heartbeat = api.call("POST", "/api/v2/heartbeats", body)["data"]
        url = SecretStr(heartbeat["attributes"]["url"])
        notify = settings.notify.model_copy(update={"monitor_heartbeat": url})
        try:
            yield DrillHeartbeat(settings.model_copy(update={"notify": notify}), name, by, api)
        finally:
            api.call("DELETE", f"/api/v2/heartbeats/{heartbeat['id']}")
