"""What the service says and uses. Bounded: the vendor's CLI streams logs for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chromadrill.core.clock import time_text
from chromadrill.core.model import Usage
from chromadrill.targets.railway import graphql
from chromadrill.targets.railway.api import Api
from chromadrill.targets.railway.resolve import ServicePlace, VolumeInstance

MEASURED = ("MEMORY_USAGE_GB", "MEMORY_LIMIT_GB")
BACK = timedelta(minutes=15)


def logs(api: Api, deployment: str, lines: int) -> str:
    """The last lines of a deployment's log, oldest first."""
    entries = api.run(graphql.LOGS, deployment=deployment, limit=lines)
    ordered = sorted(entries, key=lambda entry: str(entry["timestamp"]))
    return "\n".join(f"{entry['timestamp']} {entry['message']}" for entry in ordered[-lines:])


def usage(api: Api, at: ServicePlace, volume: VolumeInstance) -> Usage:
    """The newest samples of the last quarter of an hour; None: the platform does not say.

    The platform tells neither restarts nor out-of-memory kills.
    """
    start = time_text(datetime.now(UTC) - BACK)
    series = api.run(
        graphql.METRICS,
        environment=at.environment,
        service=at.service,
        start=start,
        measurements=list(MEASURED),
    )
    newest: dict[str, int] = {}
    for row in series:
        if row["values"]:
            last = max(row["values"], key=lambda sample: int(sample["ts"]))
            newest[row["measurement"]] = int(last["value"] * 1e9)
    return Usage(
        memory_bytes=newest.get("MEMORY_USAGE_GB"),
        memory_limit_bytes=newest.get("MEMORY_LIMIT_GB"),
        disk_bytes=int(volume.used_mb * 1e6),
        disk_limit_bytes=int(volume.size_mb * 1e6),
        restarts=None,
        oom_kills=None,
    )
