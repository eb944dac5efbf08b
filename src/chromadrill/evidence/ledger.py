"""`evidence.jsonl`: one line an event, written as it happens, never changed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import orjson

from chromadrill.core.clock import now, utc_now
from chromadrill.core.model import JSON
from chromadrill.core.redaction import redact, secrets_of
from chromadrill.core.renamed import LEDGER_EVENTS


class Ledger:
    """Appends events; each has `event`, `at` (UTC), `t` (monotonic seconds) and its own fields."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._secrets = secrets_of()
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        line = orjson.dumps(
            {"event": event, "at": utc_now(), "t": round(now(), 6), **fields},
            option=orjson.OPT_SERIALIZE_NUMPY,
            default=str,
        )
        with self._lock, self.path.open("ab") as file:
            file.write(redact(line, self._secrets) + b"\n")


def read(path: Path) -> list[JSON]:
    """All whole events of a ledger, by their names of today; a line cut by a crash is left out."""
    events = []
    for line in path.read_bytes().splitlines():
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            break
        if not (isinstance(event, dict) and isinstance(event.get("event"), str)):
            break  # nobody of ours wrote it: what follows proves nothing
        events.append({**event, "event": LEDGER_EVENTS.get(event["event"], event["event"])})
    return events
