"""The account at Better Stack as it is now: plain lists of {id, type, attributes}."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.core.settings import Betterstack
from chromadrill.monitoring.betterstack.client import BetterStackApi


@dataclass(frozen=True, slots=True)
class Account:
    """`explorations`: each with its alerts under "alerts"; None: no telemetry token was given."""

    monitors: list[JSON]
    heartbeats: list[JSON]
    policies: list[JSON]
    incidents: list[JSON]
    explorations: list[JSON] | None


def uptime(settings: Betterstack) -> BetterStackApi:
    return BetterStackApi(
        settings.uptime_url, settings.uptime_token, variable="BETTERSTACK_UPTIME_TOKEN"
    )


def telemetry(settings: Betterstack) -> BetterStackApi:
    return BetterStackApi(
        settings.telemetry_url, settings.telemetry_token, variable="BETTERSTACK_TELEMETRY_TOKEN"
    )


def fetch_account(settings: Betterstack) -> Account:
    """Read the account. Raises UsageError without an uptime token, Unavailable for a failed read."""
    with uptime(settings) as api:
        monitors, heartbeats = api.all("/api/v2/monitors"), api.all("/api/v2/heartbeats")
        policies, incidents = api.all("/api/v3/policies"), api.all("/api/v3/incidents")
    explorations = None
    if settings.telemetry_token and settings.telemetry_token.get_secret_value().strip():
        with telemetry(settings) as api:
            explorations = [
                {**row, "alerts": api.all(f"/api/v2/explorations/{row['id']}/alerts")}
                for row in api.all("/api/v2/explorations")
            ]
    return Account(monitors, heartbeats, policies, incidents, explorations)
