"""Samples to Better Stack: as telemetry events, and as the monitor's own heartbeat.

The heartbeat says "all is well, and somebody looks": good while nothing fires, `/fail` when
something does, and nothing at all where nobody can tell, so that silence is noticed there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import httpx

from chromadrill.core import cli
from chromadrill.core.clock import now, utc_now
from chromadrill.core.errors import UsageError
from chromadrill.core.http import http_client
from chromadrill.core.model import JSON
from chromadrill.core.settings import Settings
from chromadrill.evidence.notify import pulse
from chromadrill.monitoring import samples as s
from chromadrill.monitoring.alerts import FIRED, Alerts, Event
from chromadrill.monitoring.betterstack.client import require_token
from chromadrill.monitoring.monitor import OnSamples
from chromadrill.monitoring.samples import Sample

FIELDS = {
    s.HEALTH: "health", s.ACCESS: "access", s.ANSWERS: "answers", s.WRITES: "writes",
    s.RECORDS: "records", s.SEARCH: "search_ms", s.DISK: "disk_percent",
    s.MEMORY: "memory_percent", s.OOM: "oom_kills", s.RESTARTS: "restarts",
    s.BACKUP: "backup_verified", s.BACKUP_AGE: "backup_age_s",
    s.PROOF_AGE: "proof_age_percent", s.FLUSHER: "flusher_alive",
    s.DRIFT: "drift_cosine",
    s.LOG_ERRORS: "log_errors",
}  # fmt: skip
AGAIN_S = 60.0  # a failure is printed once so often


def event_of(target: str, samples: list[Sample], events: list[Event]) -> JSON:
    """One event a look; a sample without a value is left out, never sent as zero."""
    row: JSON = {"dt": utc_now(), "source": "chromadrill", "target": target}
    for sample in samples:
        if sample.value is not None and math.isfinite(sample.value):
            row[FIELDS[sample.signal]] = sample.value
        if sample.signal == s.LOG_ERRORS and sample.detail:
            row["log_patterns"] = sample.detail
    pages = [f"{event.rule.name} {event.kind}" for event in events if event.pages]
    return {**row, "alerts": pages} if pages else row


def shipper(settings: Settings, target: str) -> OnSamples:
    """Sends each look. Raises UsageError without an address or a token, never later."""
    source = settings.betterstack
    if not (source.ingest_url and source.ingest_token):
        raise UsageError(
            "--ship needs the source's host and token.",
            next_step="Set BETTERSTACK_INGEST_URL (https://<ingesting_host>) and"
            " BETTERSTACK_INGEST_TOKEN in the environment.",
        )
    token = require_token(source.ingest_token, "BETTERSTACK_INGEST_TOKEN", source.ingest_url)
    url = source.ingest_url
    client = http_client(url, timeout_s=5, headers={"Authorization": f"Bearer {token}"})
    throttle = Throttle()

    def ship(samples: list[Sample], events: list[Event]) -> None:
        try:
            status = client.post(url, json=[event_of(target, samples, events)]).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            throttle.say(f"Not shipped: {type(error).__name__}.")  # its text may quote the URL
            return
        if status != 202:
            why = {402: ", quota", 403: ", the token is refused", 413: ", too large"}
            throttle.say(f"Not shipped: {status}{why.get(status, '')}.")

    return ship


@dataclass
class Throttle:
    """Prints at most one line in `AGAIN_S`: a failure that goes on is no news."""

    _last: float = field(default=-math.inf, init=False)

    def say(self, text: str) -> None:
        if now() - self._last >= AGAIN_S:
            self._last = now()
            cli.say(text)


def pager(settings: Settings, alerts: Alerts) -> OnSamples:
    """Pings the monitor's heartbeat by the states of `alerts`."""
    return Pager(settings, alerts, 30.0 * settings.monitoring.time_scale)


@dataclass
class Pager:
    """Pings the monitor's heartbeat after a look: good, `/fail`, or nothing where nobody can tell."""

    settings: Settings
    alerts: Alerts
    every_s: float = 30.0
    _last: float = field(default=-math.inf, init=False)
    _bad: bool = field(default=False, init=False)
    _throttle: Throttle = field(default_factory=Throttle, init=False)

    def __call__(self, samples: list[Sample], events: list[Event]) -> None:
        """A new alert and the last all-clear at once; what goes on, once every `every_s`."""
        bad = bool(self.alerts.firing)
        if not bad and self.alerts.undecided:  # a good ping would end an incident that goes on
            return
        news = bad != self._bad or any(event.kind == FIRED for event in events)
        if not news and (bad or now() - self._last < self.every_s):
            return
        failures = pulse("monitor heartbeat", self.settings.notify.monitor_heartbeat, good=not bad)
        for failure in failures:
            self._throttle.say(failure)
        if not failures:
            self._last, self._bad = now(), bad
